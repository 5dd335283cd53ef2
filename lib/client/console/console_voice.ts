import type { LogFields, LogLevel } from "../../cli/log.ts";
import { traceOf } from "../../cli/safe_text.ts";
import type { ConsoleWriter } from "./console_writer.ts";

/** Tells of events, each with the tunnel that it is about where there are several. */
export class ConsoleVoice {
  readonly #writer: ConsoleWriter;
  readonly #tunnel: string;

  /** @param tunnel is the name of a tunnel in the config file; empty for what is about none, or the only one. */
  constructor(writer: ConsoleWriter, tunnel = "") {
    this.#writer = writer;
    this.#tunnel = tunnel;
  }

  /** Tells of an event: `event` and the fields are for programs, the sentence for people. */
  tell(level: LogLevel, event: string, sentence: string, fields: LogFields = {}): void {
    if (this.#tunnel === "") return this.#writer.tell(level, event, sentence, fields);
    const tunnel = this.#tunnel;
    const named = this.#writer.isJSON ? sentence : `${tunnel}: ${sentence}`;
    this.#writer.tell(level, event, named, { tunnel, ...fields });
  }

  /** Warns of something; the mark of a warning is a word where there is no other. */
  warnOf(event: string, text: string, fields: LogFields = {}): void {
    const isPlain = !this.#writer.isTerminal && !this.#writer.isJSON;
    this.tell("warn", event, isPlain ? `warning: ${text}` : text, fields);
  }

  /** Warns of something; of a mistake of this program's own only those who mend it want to see where it is. */
  warn(text: string, mistake?: Error): void {
    if (mistake === undefined) return this.warnOf("warning", text);
    this.warnOf("mistake", `${text}, with what --log-level debug tells of it`);
    this.tell("debug", "mistake", traceOf(mistake));
  }
}
