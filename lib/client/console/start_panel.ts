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
  /** What the service is called. */
  readonly service: string;
  /** Whether the URL is drawn as a QR code as well. */
  readonly qr: boolean;
  readonly writer: ConsoleWriter;
}

/** Shows the public URL on standard output, and around it what a person at a terminal wants to know at the start. */
export class StartPanel {
  /** Where the inspector is; null for none. */
  inspector: string | null = null;
  /** Whether the service answers; null when nobody has looked yet. */
  isServiceUp: boolean | null = null;
  readonly #options: StartPanelOptions;
  #isShown = false;

  constructor(options: StartPanelOptions) {
    this.#options = options;
  }

  /** Shows one more URL; what belongs to all of them comes with the first. */
  show(url: string): void {
    const { writer, version } = this.#options;
    const isFirst = !this.#isShown;
    this.#isShown = true;
    if (writer.isTerminal && isFirst) {
      const title = `tunnel ${version}`;
      const hint = HINT.padStart(Math.max(0, writer.columns - title.length));
      const fits = title.length + HINT.length < writer.columns;
      writeNow(SYSTEM_RUNTIME.stderr, title + (fits ? writer.paint("dim", hint) : ""));
    }
    const paint = SYSTEM_RUNTIME.stdout.isTerminal() && !SYSTEM_RUNTIME.noColor ? coloured : plain;
    writeNow(SYSTEM_RUNTIME.stdout, paint("bold", url));
    if (!writer.isTerminal) return;
    if (isFirst) { for (const line of this.#about(url)) writeNow(SYSTEM_RUNTIME.stderr, line); }
    if (this.#options.qr) writeNow(SYSTEM_RUNTIME.stderr, renderUnicodeCompact(url));
    if (isFirst) writeNow(SYSTEM_RUNTIME.stderr, "");
  }

  *#about(url: string): Generator<string> {
    const { service, writer: { columns, paint } } = this.#options;
    const state = this.isServiceUp === null
      ? ""
      : this.isServiceUp
      ? " (answers)"
      : " (nothing listens there yet)";
    const left = `  → ${service}${state}`;
    const shown = this.isServiceUp === false
      ? `  → ${service}${paint("yellow", state)}`
      : `  → ${service}${paint("dim", state)}`;
    if (this.inspector === null) yield shown;
    else {
      const right = `inspect ${this.inspector}`;
      const gap = columns - left.length - right.length;
      if (gap > 1) yield shown + " ".repeat(gap) + right;
      else yield* [shown, INDENT + right];
    }
    if (!LOCAL_URL.test(url)) return;
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
