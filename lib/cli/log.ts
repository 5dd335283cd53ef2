import { escapeUnsafe } from "./safe_text.ts";
import { SYSTEM_RUNTIME } from "./system_runtime.ts";

/** How important an event is. */
export type LogLevel = "debug" | "info" | "warn" | "error";
/** What an event tells beside its message. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Options of {@linkcode Log}. */
export interface LogOptions {
  /** `text` for people, `json` for machines: one object a line. */
  readonly format: "text" | "json";
  /** Events below this level are not written. */
  readonly level: LogLevel;
  /** Takes each finished line, without its line feed. @default standard error, at once */
  readonly write?: (line: string) => void;
  /** Colours the level in the text format. @default false */
  readonly colour?: boolean;
  /** Whether a person reads it at a terminal, for whom some events have a shorter form. @default false */
  readonly isTerminal?: boolean;
  /** Says what time it is. @default the system's clock */
  readonly now?: () => Date;
}

/** Writes each event as one line, also when its values contain line ends, and never throws. */
export class Log {
  readonly #options: LogOptions;
  readonly #write: (line: string) => void;
  readonly #fields: LogFields;

  /** Makes a log whose events have these fields. */
  constructor(options: LogOptions, fields: LogFields = {}) {
    this.#options = options;
    this.#write = options.write ?? writeToStderr;
    this.#fields = fields;
  }

  /** Writes what only somebody who looks for a fault wants to see. */
  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  /** Writes what happens in the normal course of things. */
  /** `shown` is what a terminal shows in the place of message and fields, null when nothing is worth its line. */
  info(message: string, fields?: LogFields, shown?: string | null): void {
    const isShort = shown !== undefined && this.#options.format === "text" &&
      (this.#options.isTerminal ?? false);
    if (!isShort) this.#log("info", message, fields);
    else if (shown !== null) new Log(this.#options).info(shown);
  }

  /** Writes what may be wrong. */
  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  /** Writes what is wrong. */
  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  /** Returns a log that adds these fields to each event; an event's own field of the same name wins. */
  with(fields: LogFields): Log {
    return new Log(this.#options, { ...this.#fields, ...fields });
  }

  /** Formats an event without writing it; the empty string means that its level is not wanted. */
  line(level: LogLevel, message: string, fields: LogFields = {}): string {
    if (!isAtLeast(level, this.#options.level)) return "";
    const now = this.#options.now?.() ?? new Date();
    const all = { ...this.#fields, ...fields };
    return this.#options.format === "json"
      ? jsonLine(now, level, message, all)
      : textLine(now, level, message, all, this.#options.colour ?? false);
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!isAtLeast(level, this.#options.level)) return;
    try {
      this.#write(this.line(level, message, fields));
    } catch {
      // A log that cannot be written (full disk, closed pipe) must not end the request that it tells of.
    }
  }
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Tells whether a level is as important as another one, or more. */
export function isAtLeast(level: LogLevel, least: LogLevel): boolean {
  return RANK[level] >= RANK[least];
}

const COLOUR: Readonly<Record<LogLevel, string>> = {
  debug: "\x1b[2m",
  info: "\x1b[32m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};
const COLOUR_END = "\x1b[0m";

/** Characters of one value: room for any address, name or error text, too little to flood a disk. */
const MAX_VALUE_LENGTH = 1024;

/** A value that needs no quotes in the text format, since it contains no separator. */
const PLAIN = /^[^\s"=\\]+$/;

function jsonLine(now: Date, level: LogLevel, message: string, fields: LogFields): string {
  const event = new Map<string, string | number | boolean>([
    ["time", now.toISOString()],
    ["level", level],
    ["message", cut(message)],
  ]);
  const own = new Set(event.keys());
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const text = typeof value === "string" ? cut(value) : value;
    // JSON has no word for NaN or Infinity: `null` would hide which it was.
    const known = typeof text === "number" && !Number.isFinite(text) ? String(text) : text;
    event.set(own.has(name) ? `${name}_` : name, known);
  }
  return escapeUnsafe(JSON.stringify(Object.fromEntries(event)));
}

function textLine(
  now: Date,
  level: LogLevel,
  message: string,
  fields: LogFields,
  colour: boolean,
): string {
  const padded = level.padEnd(5);
  const shown = colour ? COLOUR[level] + padded + COLOUR_END : padded;
  let line = `${timeOfDay(now)} ${shown} ${escapeUnsafe(cut(message))}`;
  let gap = "  ";
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    line += `${gap}${escapeUnsafe(name)}=${textValue(value)}`;
    gap = " ";
  }
  return line;
}

function textValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const text = cut(value);
  return PLAIN.test(text) ? escapeUnsafe(text) : escapeUnsafe(JSON.stringify(text));
}

/** Returns the local time of day: text is read at the machine itself. */
export function timeOfDay(now = new Date()): string {
  return now.toTimeString().slice(0, 8);
}

/** Shortens a long text and says by how much; half of a surrogate pair is not left behind. */
function cut(text: string): string {
  if (text.length <= MAX_VALUE_LENGTH) return text;
  const last = text.charCodeAt(MAX_VALUE_LENGTH - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? MAX_VALUE_LENGTH - 1 : MAX_VALUE_LENGTH;
  return `${text.slice(0, end)}…(${text.length - end} more)`;
}

const encoder = new TextEncoder();

function writeToStderr(line: string): void {
  let rest = encoder.encode(`${line}\n`);
  while (rest.length > 0) {
    const written = SYSTEM_RUNTIME.stderr.writeSync(rest);
    if (written === 0) return;
    rest = rest.subarray(written);
  }
}
