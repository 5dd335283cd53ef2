import { LineWriter } from "../../cli/line_writer.ts";
import { isAtLeast, Log, type LogFields, type LogLevel, timeOfDay } from "../../cli/log.ts";
import { escapeUnsafe } from "../../cli/safe_text.ts";
import { SYSTEM_RUNTIME } from "../../cli/system_runtime.ts";
import { wrap } from "../../cli/wrap.ts";
import { coloured, type Paint, plain } from "./paint.ts";

/** Columns of a terminal that does not tell. */
const USUAL_COLUMNS = 80;

/** Columns before a sentence: the time, and a mark for what is wrong. */
const INDENT = 12;

export interface ConsoleWriterOptions {
  readonly format: "text" | "json";
  /** Less important events are not written. */
  readonly level: LogLevel;
}

/**
 * Writes what the client tells to standard error, for the one who reads it: lines that fit a terminal, lines of text in a
 * pipe, or JSON. A slow reader loses lines, and holds up nothing.
 */
export class ConsoleWriter {
  /** Whether a person reads it at a terminal. */
  readonly isTerminal: boolean;
  readonly paint: Paint;
  readonly #options: ConsoleWriterOptions;
  readonly #log: Log;
  readonly #lines = new LineWriter(
    SYSTEM_RUNTIME.stderr,
    (count) => `… ${count} lines are missing: the terminal was too slow`,
  );

  constructor(options: ConsoleWriterOptions) {
    this.#options = options;
    this.isTerminal = options.format === "text" && SYSTEM_RUNTIME.stderr.isTerminal();
    this.paint = this.isTerminal && !SYSTEM_RUNTIME.noColor ? coloured : plain;
    this.#log = new Log({ ...options, write: (line) => this.#lines.write(line) });
  }

  /** Whether programs read it. */
  get isJSON(): boolean {
    return this.#options.format === "json";
  }

  /** Columns of the terminal, as wide as it is now. */
  get columns(): number {
    try {
      return SYSTEM_RUNTIME.columns();
    } catch {
      return USUAL_COLUMNS;
    }
  }

  /** Tells of an event: `event` and the fields are for programs, the sentence for people. */
  tell(level: LogLevel, event: string, sentence: string, fields: LogFields = {}): void {
    if (this.isJSON) return this.#log[level](sentence, { event, ...fields });
    if (!isAtLeast(level, this.#options.level)) return;
    const time = timeOfDay();
    // Words of a server or a visitor may be in it, and must not drive the terminal.
    const safe = escapeUnsafe(sentence);
    if (!this.isTerminal) return this.#lines.write(`${time} ${safe}`);
    const isWrong = isAtLeast(level, "warn");
    const mark = isWrong ? this.paint("yellow", "!") : " ";
    const [first = "", ...others] = wrap(safe, this.columns - INDENT);
    this.#lines.write(`${this.paint("dim", time)}  ${mark} ${first}`);
    for (const line of others) this.#lines.write(" ".repeat(INDENT) + line);
  }

  /** Writes a line as it is; it must be safe to show. */
  write(line: string): void {
    this.#lines.write(line);
  }

  /** Resolves once everything is written, or could not be within a second. */
  flush(): Promise<void> {
    return this.#lines.flush();
  }
}
