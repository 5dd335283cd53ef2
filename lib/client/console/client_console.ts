import type { LogFields, LogLevel } from "../../cli/log.ts";
import { escapeUnsafe, traceOf } from "../../cli/safe_text.ts";
import { authorityOf } from "../../net/authority.ts";
import type { RefusedVisitors, ServingClients } from "../../wire/notice.ts";
import { serviceName } from "../services/service_spec.ts";
import type { HostAdvice } from "../services/local_http/host_check.ts";
import type { StoreListener } from "../inspector/exchange_store.ts";
import type { ClientOptions } from "../options.ts";
import type { TunnelClientEvents } from "../tunnel_client.ts";
import { ConsoleWriter } from "./console_writer.ts";
import { outcomeOf, type ShownExchange } from "./exchange_line.ts";
import { ExchangeLines } from "./exchange_lines.ts";
import { ExchangePrinter } from "./exchange_printer.ts";
import { durationText } from "../../cli/measures.ts";
import { RefusalLines } from "./refusal_lines.ts";
import { StartPanel } from "./start_panel.ts";

export interface ClientConsoleOptions
  extends Pick<ClientOptions, "service" | "proxies" | "logFormat" | "logLevel" | "qr"> {
  readonly version: string;
  /** Hears of the first public URL. @default does nothing */
  readonly onFirstURL?: (url: string) => void;
}

/**
 * Tells the person or the script at the terminal how the tunnel is and what comes through it: public URLs alone on
 * standard output, one a line, everything else on standard error.
 */
export class ClientConsole implements TunnelClientEvents, AsyncDisposable {
  /** Hears of the exchanges; null where nobody is told of them, in a pipe of text. */
  readonly exchanges: StoreListener | null;
  readonly #format: ClientConsoleOptions["logFormat"];
  readonly #proxies: ClientConsoleOptions["proxies"];
  readonly #writer: ConsoleWriter;
  readonly #panel: StartPanel;
  readonly #service: string;
  readonly #lines: ExchangeLines;
  readonly #refusals = new RefusalLines((sentence, refused) =>
    this.#warn("refused", sentence, { ...refused })
  );
  readonly #urls = new Set<string>();
  /** Addresses of services that were there, and are not. */
  readonly #lostServices = new Set<string>();
  readonly #onFirstURL: (url: string) => void;

  constructor(options: ClientConsoleOptions) {
    const { logFormat: format, logLevel: level } = options;
    const writer = new ConsoleWriter({ format, level });
    this.#writer = writer;
    this.#format = format;
    this.#proxies = options.proxies;
    this.#onFirstURL = options.onFirstURL ?? (() => {});
    this.#service = serviceName(options.service);
    this.#panel = new StartPanel({ ...options, service: this.#service, writer });
    this.#lines = new ExchangeLines({
      write: (line) => writer.write(line),
      columns: () => writer.columns,
      paint: writer.paint,
    });
    this.exchanges = this.#listener(options);
  }

  onOnline(server: string, url: string): void {
    const proxy = this.#proxies.get(server);
    const way = proxy === undefined ? "" : ` through the proxy ${authorityOf(proxy)}`;
    const isFirst = this.#urls.size === 0;
    const isKnown = this.#urls.has(url);
    this.#urls.add(url);
    if (isFirst) this.#onFirstURL(url);
    if (!isKnown) this.#panel.show(url);
    if (!isKnown && this.#writer.isTerminal) return;
    const sentence = isKnown
      ? `connected to ${server} again${way}`
      : `connected to ${server}${way}, serving ${this.#service}`;
    this.#tell("info", "online", sentence, { server, url });
    const { inspector } = this.#panel;
    if (!isFirst || inspector === null) return;
    this.#tell("info", "inspector", `inspector at ${inspector}`, { url: inspector });
  }

  onNameLost(server: string, name: string): void {
    const sentence =
      `the name ${name} belongs to another key at ${server} now: going on without it`;
    this.#tell("warn", "name", sentence, { server, name });
  }

  onLeaving(server: string, reason: string): void {
    const sentence = `told to leave ${server}: ${reason}; serving until it closes the connection`;
    this.#tell("info", "leaving", sentence, { server, reason });
  }

  onOffline(server: string, reason: string, wait: number | null): void {
    const sentence = `not connected to ${server}${again(wait)}: ${reason}`;
    this.#tell("warn", "offline", sentence, { server, reason });
  }

  onStillOffline(server: string, reason: string, wait: number): void {
    const sentence = `still not connected to ${server}${again(wait)}: ${reason}`;
    this.#tell("warn", "offline", sentence, { server, reason });
  }

  onNotice(_server: string, refused: readonly RefusedVisitors[]): void {
    for (const kind of refused) this.#refusals.add(kind);
  }

  onSharing(server: string, { count, different }: ServingClients): void {
    const isWrong = different > 0;
    const sentence = isWrong
      ? `${count} clients with this key share the URL at ${server}, and ${different} of the others ` +
        `${different === 1 ? "serves" : "serve"} something else: visitors get ` +
        "any of them. To give one a URL of its own, start it with --label"
      : count === 1
      ? `no other client shares this tunnel at ${server} any more`
      : `${count} clients share this tunnel at ${server}: requests are spread over them`;
    const fields = { server, count, different };
    if (isWrong) this.#warn("sharing", sentence, fields);
    else this.#tell("info", "sharing", sentence, fields);
  }

  keyMade(path: string): void {
    const sentence = `made the key ${path}: keep a copy, the public address belongs to it`;
    this.#tell("info", "key", sentence, { path });
  }

  /** Tells what to set in the local service so that it takes visitors of the public URL. */
  advise(advice: HostAdvice): void {
    const [url] = this.#urls;
    if (url !== undefined) this.warn(advice(new URL(url)));
  }

  /** The inspector listens, which is told once there is something to inspect. */
  inspecting(url: string): void {
    this.#panel.inspector = url;
  }

  /** The first look at the services: whether anything listens at each address. */
  servicesSeen(seen: ReadonlyMap<string, boolean>): void {
    const [isUp = null] = seen.size === 1 ? seen.values() : [];
    this.#panel.isServiceUp = isUp;
    if (isUp !== null && this.#writer.isTerminal) return;
    for (const [address, isUp] of seen) {
      const sentence = `nothing listens at ${address} yet: visitors get 502`;
      if (!isUp) this.#tell("warn", "service", sentence, { isUp });
    }
  }

  serviceDown(address: string): void {
    this.#lostServices.add(address);
    const sentence = `nothing listens at ${address} any more: visitors get 502`;
    this.#tell("warn", "service", sentence, { isUp: false });
  }

  serviceUp(address: string): void {
    const again = this.#lostServices.delete(address) ? " again" : "";
    this.#tell("info", "service", `${address} answers${again}`, { isUp: true });
  }

  /** Warns of something; of a mistake of this program's own only those who mend it want to see where it is. */
  warn(text: string, mistake?: Error): void {
    if (mistake === undefined) return this.#warn("warning", text);
    this.#warn("mistake", `${text}, with what --log-level debug tells of it`);
    this.#tell("debug", "mistake", traceOf(mistake));
  }

  /** Says that the client stops, and what it waits for. */
  stopping(open: number, timeout: number): void {
    const requests = open === 1 ? "1 open request" : `${open} open requests`;
    const sentence = open === 0
      ? "stopping"
      : `stopping: ${requests} may finish, for ${durationText(timeout)} at most; ^C ends at once`;
    // The terminal shows ^C at the start of the line.
    if (this.#writer.isTerminal) this.#writer.write("");
    this.#tell("info", "stopping", sentence, { open });
  }

  /** Writes what is left to write. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.close();
    this.#refusals.close();
    await this.#writer.flush();
  }

  #listener({ logFormat, logLevel }: ClientConsoleOptions): StoreListener | null {
    const isWanted = logLevel === "info" || logLevel === "debug";
    if (!isWanted || !(this.#writer.isTerminal || logFormat === "json")) return null;
    return new ExchangePrinter((exchange, { id }) => {
      if (this.#writer.isTerminal) this.#lines.add(exchange);
      else this.#tell("info", "request", sentenceOf(exchange), { id, ...fieldsOf(exchange) });
    });
  }

  /** The mark of a warning is a word where there is no other. */
  #warn(event: string, text: string, fields: LogFields = {}): void {
    const isPlain = !this.#writer.isTerminal && this.#format === "text";
    this.#tell("warn", event, isPlain ? `warning: ${text}` : text, fields);
  }

  #tell(
    level: LogLevel,
    event: string,
    sentence: string,
    fields: LogFields = {},
  ): void {
    this.#writer.tell(level, event, sentence, fields);
  }
}

/** Milliseconds of a wait that is worth telling. */
const LONG_WAIT = 1_000;

function again(wait: number | null): string {
  if (wait === null) return "";
  return wait < LONG_WAIT ? ", trying again" : `, trying again in ${durationText(wait)}`;
}

function sentenceOf(exchange: ShownExchange): string {
  return escapeUnsafe(`${exchange.method} ${exchange.target} ${outcomeOf(exchange)}`);
}

function fieldsOf(exchange: ShownExchange): LogFields {
  const { kind, state, method, target, status, duration, responseSize, messages } = exchange;
  return {
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
