import type { LogFields } from "../../cli/log.ts";
import { durationText } from "../../cli/measures.ts";
import { escapeUnsafe } from "../../cli/safe_text.ts";
import type { StoreListener } from "../inspector/exchange_store.ts";
import type { ClientOptions } from "../options.ts";
import { ConsoleVoice } from "./console_voice.ts";
import { ConsoleWriter } from "./console_writer.ts";
import { outcomeOf, type ShownExchange } from "./exchange_line.ts";
import { ExchangeLines } from "./exchange_lines.ts";
import { ExchangePrinter } from "./exchange_printer.ts";
import { StartPanel } from "./start_panel.ts";
import { type ToldTunnel, TunnelConsole } from "./tunnel_console.ts";

export interface ClientConsoleOptions extends Pick<ClientOptions, "logFormat" | "logLevel" | "qr"> {
  readonly version: string;
  /** Hears of the first public URL of each tunnel. @default does nothing */
  readonly onFirstURL?: (url: string) => void;
}

/** Characters of a tunnel's name that a line shows: the target is what people look for. */
const MAX_NAME_COLUMN = 12;

/**
 * Tells the person or the script at the terminal how the tunnels are and what comes through them: public URLs alone on
 * standard output, one a line, everything else on standard error.
 */
export class ClientConsole implements AsyncDisposable {
  /** Hears of the exchanges; null where nobody is told of them, in a pipe of text. */
  readonly exchanges: StoreListener | null;
  readonly #writer: ConsoleWriter;
  readonly #voice: ConsoleVoice;
  readonly #panel: StartPanel;
  readonly #lines: ExchangeLines;
  readonly #onFirstURL: (url: string) => void;
  #nameColumn = 0;
  #isInspectorTold = false;

  constructor(options: ClientConsoleOptions) {
    const { logFormat: format, logLevel: level } = options;
    const writer = new ConsoleWriter({ format, level });
    this.#writer = writer;
    this.#voice = new ConsoleVoice(writer);
    this.#onFirstURL = options.onFirstURL ?? (() => {});
    this.#panel = new StartPanel({ ...options, writer });
    this.#lines = new ExchangeLines({
      write: (line) => writer.write(line),
      columns: () => writer.columns,
      nameColumn: () => this.#nameColumn,
      paint: writer.paint,
    });
    this.exchanges = this.#listener(options);
  }

  /** Makes what tells of one tunnel. */
  tunnelConsole(tunnel: ToldTunnel): TunnelConsole {
    const { tunnel: name } = tunnel;
    this.#nameColumn = Math.min(MAX_NAME_COLUMN, Math.max(this.#nameColumn, name.length));
    this.#panel.announce(name);
    return new TunnelConsole(tunnel, {
      voice: new ConsoleVoice(this.#writer, name),
      panel: this.#panel,
      isTerminal: this.#writer.isTerminal,
      onFirstURL: (url) => this.#firstURL(url),
    });
  }

  keyMade(path: string): void {
    const sentence = `made the key ${path}: keep a copy, the public address belongs to it`;
    this.#voice.tell("info", "key", sentence, { path });
  }

  /** The inspector listens, which is told once there is something to inspect. */
  inspecting(url: string): void {
    this.#panel.inspector = url;
  }

  /** Warns of something; of a mistake of this program's own only those who mend it want to see where it is. */
  warn(text: string, mistake?: Error): void {
    this.#voice.warn(text, mistake);
  }

  /** Says what a config file that was read again has changed; empty for nothing. */
  reloaded(path: string, done: string): void {
    const sentence = `read ${path} again: ${done === "" ? "nothing is to be changed" : done}`;
    this.#voice.tell("info", "reload", sentence, { path });
  }

  /** Says that the client stops, and what it waits for. */
  stopping(open: number, timeout: number): void {
    const requests = open === 1 ? "1 open request" : `${open} open requests`;
    const sentence = open === 0
      ? "stopping"
      : `stopping: ${requests} may finish, for ${durationText(timeout)} at most; ^C ends at once`;
    // The terminal shows ^C at the start of the line.
    if (this.#writer.isTerminal) this.#writer.write("");
    this.#voice.tell("info", "stopping", sentence, { open });
  }

  /** Writes what is left to write. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.close();
    await this.#writer.flush();
  }

  #firstURL(url: string): void {
    this.#onFirstURL(url);
    const { inspector } = this.#panel;
    if (this.#isInspectorTold || inspector === null || this.#writer.isTerminal) return;
    this.#isInspectorTold = true;
    this.#voice.tell("info", "inspector", `inspector at ${inspector}`, { url: inspector });
  }

  #listener({ logFormat, logLevel }: ClientConsoleOptions): StoreListener | null {
    const isWanted = logLevel === "info" || logLevel === "debug";
    if (!isWanted || !(this.#writer.isTerminal || logFormat === "json")) return null;
    return new ExchangePrinter((exchange, { id }) => {
      if (this.#writer.isTerminal) this.#lines.add(exchange);
      else {
        const fields = { id, ...fieldsOf(exchange) };
        this.#voice.tell("info", "request", sentenceOf(exchange), fields);
      }
    });
  }
}

function sentenceOf(exchange: ShownExchange): string {
  return escapeUnsafe(`${exchange.method} ${exchange.target} ${outcomeOf(exchange)}`);
}

function fieldsOf(exchange: ShownExchange): LogFields {
  const { kind, state, method, target, status, duration, responseSize, messages } = exchange;
  return {
    tunnel: exchange.tunnel === "" ? undefined : exchange.tunnel,
    ...{ kind, state, method, target },
    status: status ?? undefined,
    milliseconds: duration === null ? undefined : Math.round(duration),
    bytes: responseSize,
    messagesFromVisitor: messages?.fromVisitor,
    messagesFromService: messages?.fromService,
    closeCode: exchange.closeCode ?? undefined,
    replayOf: exchange.replayOf ?? undefined,
  };
}
