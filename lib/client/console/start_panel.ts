import { renderUnicodeCompact } from "uqr";
import type { StandardStream } from "../../cli/runtime.ts";
import { SYSTEM_RUNTIME } from "../../cli/system_runtime.ts";
import type { ConsoleWriter } from "./console_writer.ts";
import { wrap } from "../../cli/wrap.ts";
import { coloured, plain } from "./paint.ts";

const HINT = "^C stops, open requests finish";

const INDENT = "    ";

const LOCAL =
  "This address works on this machine alone: --server names a server that others reach.";

/** Names that mean this machine itself, wherever they are looked up (RFC 6761 section 6.3). */
const LOCAL_URL = /^https?:\/\/(?:[^/]*\.)?localhost(?::\d+)?$/;

export interface StartPanelOptions {
  readonly version: string;
  /** Whether the URL is drawn as a QR code as well. */
  readonly qr: boolean;
  readonly writer: ConsoleWriter;
}

/** What is shown below the URL of a tunnel. */
export interface ShownTunnel {
  /** Its name in the config file; empty for the only one. */
  readonly name: string;
  /** What its service is called. */
  readonly service: string;
  /** Whether the service answers; null when nobody has looked. */
  readonly isServiceUp: boolean | null;
}

/** Shows the public URLs on standard output, and around it what a person at a terminal wants to know at the start. */
export class StartPanel {
  /** Where the inspector is; null for none. */
  inspector: string | null = null;
  readonly #options: StartPanelOptions;
  readonly #shown = new Set<string>();
  /** Tunnels that are to be shown, and characters of their names. */
  #announced = 0;
  #nameColumn = 0;

  constructor(options: StartPanelOptions) {
    this.#options = options;
  }

  /** Makes room in the table for a tunnel of that name. */
  announce(name: string): void {
    this.#announced++;
    this.#nameColumn = Math.max(this.#nameColumn, name.length);
  }

  /**
   * Shows one more URL, and returns whether that is a new one; what belongs to all of them comes with the first. A tunnel
   * with a name has a line of its own for each URL, so that all of them are a table.
   */
  show(url: string, tunnel: ShownTunnel): boolean {
    const { writer, version } = this.#options;
    if (this.#shown.has(url)) return false;
    const isFirst = this.#shown.size === 0;
    this.#shown.add(url);
    if (writer.isTerminal && isFirst) {
      const title = `tunnel ${version}`;
      const hint = HINT.padStart(Math.max(0, writer.columns - title.length));
      const fits = title.length + HINT.length < writer.columns;
      writeNow(SYSTEM_RUNTIME.stderr, title + (fits ? writer.paint("dim", hint) : ""));
    }
    const paint = SYSTEM_RUNTIME.stdout.isTerminal() && !SYSTEM_RUNTIME.noColor ? coloured : plain;
    writeNow(SYSTEM_RUNTIME.stdout, paint("bold", url));
    if (!writer.isTerminal) return true;
    if (isFirst || tunnel.name !== "") {
      for (const line of this.#about(url, tunnel, isFirst)) writeNow(SYSTEM_RUNTIME.stderr, line);
    }
    if (this.#options.qr) writeNow(SYSTEM_RUNTIME.stderr, renderUnicodeCompact(url));
    if (this.#shown.size === this.#announced) writeNow(SYSTEM_RUNTIME.stderr, "");
    return true;
  }

  *#about(
    url: string,
    { name, service, isServiceUp }: ShownTunnel,
    isFirst: boolean,
  ): Generator<string> {
    const { writer: { columns, paint } } = this.#options;
    const state = isServiceUp === null
      ? ""
      : isServiceUp
      ? " (answers)"
      : " (nothing listens there yet)";
    const arrow = name === ""
      ? `  → ${service}`
      : `  ${name.padEnd(this.#nameColumn)} → ${service}`;
    const left = `${arrow}${state}`;
    const shown = `${arrow}${paint(isServiceUp === false ? "yellow" : "dim", state)}`;
    if (this.inspector === null || !isFirst) yield shown;
    else {
      const right = `inspect ${this.inspector}`;
      const gap = columns - left.length - right.length;
      if (gap > 1) yield shown + " ".repeat(gap) + right;
      else yield* [shown, INDENT + right];
    }
    if (!isFirst || !LOCAL_URL.test(url)) return;
    for (const line of wrap(LOCAL, columns - INDENT.length)) yield INDENT + paint("dim", line);
  }
}

/** Writes at once, so that both streams stay in order. */
function writeNow(stream: StandardStream, line: string): void {
  try {
    stream.writeSync(new TextEncoder().encode(`${line}\n`));
  } catch {
    // The pipe is closed, which must not end the tunnel.
  }
}
