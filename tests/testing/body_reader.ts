import { type ByteReader, FramingError } from "./byte_reader.ts";
import { toText } from "./latin1.ts";
import type { MessageHead } from "./message_head.ts";

/** How a body ends: after so many bytes, with its last chunk, or with the connection. */
export type Framing = number | "chunked" | "close";

/** Bytes that a test may ask to hold at once. */
const MAX_COLLECTED = 64 * 1024 * 1024;

/** Decides how a request's body is framed (RFC 9112 section 6.3). */
export function requestFraming(head: MessageHead): Framing {
  return head.has("transfer-encoding") ? "chunked" : Number(head.get("content-length") ?? 0);
}

/** Decides how a response's body is framed (RFC 9112 section 6.3). */
export function responseFraming(head: MessageHead, status: number, method: string): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  if (head.has("transfer-encoding")) return "chunked";
  const length = head.get("content-length");
  return length === null ? "close" : Number(length);
}

/** Reads one body as it arrives, and fails when it is cut. */
export class BodyReader {
  readonly framing: Framing;
  /** Lines of the trailer section that was read. */
  readonly trailers: string[] = [];
  readonly #reader: ByteReader;
  #remaining: number;
  #isFirst = true;
  #isDone: boolean;

  constructor(reader: ByteReader, framing: Framing) {
    this.#reader = reader;
    this.framing = framing;
    this.#remaining = typeof framing === "number" ? framing : 0;
    this.#isDone = framing === 0;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Returns the bytes at hand, waiting for the first, or null at the end; the view lives until the next call. */
  async read(limit = Infinity): Promise<Uint8Array | null> {
    if (this.#isDone) return null;
    if (this.framing === "close") {
      const bytes = await this.#reader.read(limit);
      this.#isDone = bytes === null;
      return bytes;
    }
    if (this.#remaining === 0 && !await this.#startChunk()) return null;
    const bytes = await this.#reader.read(Math.min(limit, this.#remaining));
    if (bytes === null) {
      throw new FramingError("truncated", `the body ended ${this.#remaining} bytes too early`);
    }
    this.#remaining -= bytes.length;
    if (this.#remaining === 0 && this.framing !== "chunked") this.#isDone = true;
    return bytes;
  }

  /** Waits for exactly so many bytes, and for none beyond: a test sees each piece before it lets the next one go. */
  async readText(length: number): Promise<string> {
    let text = "";
    while (text.length < length) {
      const bytes = await this.read(length - text.length);
      if (bytes === null) throw new FramingError("truncated", `the body ended after ${text}`);
      text += toText(bytes);
    }
    return text;
  }

  /** Reads what is left, through the end. */
  async readAll(): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let bytes = await this.read(); bytes !== null; bytes = await this.read()) {
      length += bytes.length;
      if (length > MAX_COLLECTED) throw new FramingError("malformed", "too long to be collected");
      pieces.push(bytes.slice());
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  /** Reads to the end, hands out each piece with its offset, and returns the length. */
  async forEach(take: (bytes: Uint8Array, offset: number) => void): Promise<number> {
    let offset = 0;
    for (let bytes = await this.read(); bytes !== null; bytes = await this.read()) {
      take(bytes, offset);
      offset += bytes.length;
    }
    return offset;
  }

  /** Reads the line with a chunk's size; at the last one the trailer section too, and false. */
  async #startChunk(): Promise<boolean> {
    if (!this.#isFirst) await this.#reader.readLine();
    this.#isFirst = false;
    const line = await this.#reader.readLine();
    const size = /^[0-9a-f]+/i.exec(line);
    if (size === null) throw new FramingError("malformed", `no chunk size: ${line}`);
    this.#remaining = parseInt(size[0], 16);
    if (this.#remaining > 0) return true;
    for (let line = await this.#reader.readLine(); line !== "";) {
      this.trailers.push(line);
      line = await this.#reader.readLine();
    }
    this.#isDone = true;
    return false;
  }
}
