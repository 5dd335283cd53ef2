import { toText } from "./latin1.ts";

/** The longest head and line, in bytes: twice what `Deno.serve` takes, so that a test can go beyond that. */
const MAX_HEAD = 128 * 1024;

/** What bytes come from: a connection, for example. */
export interface ByteSource {
  read(buffer: Uint8Array): Promise<number | null>;
}

/** Where a message ended too early, or went on too long. */
export class FramingError extends Error {
  override readonly name = "FramingError";

  constructor(readonly code: "truncated" | "malformed", message: string) {
    super(message);
  }
}

/** Reads a connection in the steps that a test wants to see: what is there, a line, a head. */
export class ByteReader {
  readonly #source: ByteSource;
  readonly #buffer = new Uint8Array(MAX_HEAD);
  #start = 0;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Returns what is at hand, `limit` bytes at most, waiting for the first; null at the end. The view lives until the next call. */
  async read(limit = MAX_HEAD): Promise<Uint8Array | null> {
    if (this.#start === this.#end && !await this.#fill()) return null;
    const from = this.#start;
    this.#start = Math.min(this.#end, from + limit);
    return this.#buffer.subarray(from, this.#start);
  }

  /** Returns the bytes up to and with the first empty line, or null when the connection ends before any. */
  async readHead(): Promise<string | null> {
    if (this.#start === this.#end && !await this.#fill()) return null;
    return await this.#readThrough("\r\n\r\n");
  }

  /** Returns the next line without its end. */
  async readLine(): Promise<string> {
    return (await this.#readThrough("\r\n")).slice(0, -2);
  }

  async #readThrough(mark: string): Promise<string> {
    for (let seen = 0;;) {
      const text = toText(this.#buffer.subarray(this.#start, this.#end));
      const found = text.indexOf(mark, Math.max(0, seen - mark.length));
      if (found !== -1) {
        const end = found + mark.length;
        this.#start += end;
        return text.slice(0, end);
      }
      seen = text.length;
      if (seen === MAX_HEAD) throw new FramingError("malformed", `${seen} bytes without an end`);
      if (!await this.#fill()) throw new FramingError("truncated", `ended after ${text}`);
    }
  }

  /** Waits for more bytes; false at the end. */
  async #fill(): Promise<boolean> {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#source.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}
