import { ErrorCode, StreamError } from "../wire/errors.ts";
import { FrameFlag, FrameType } from "../wire/frame.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";
import { decodeReset } from "../wire/reasons.ts";
import type { Chunk } from "../mux/receive_queue.ts";
import type { Stream } from "../mux/stream.ts";
import type { Close } from "./close_code.ts";

/** What a stream brings: the bytes of a message, or the close behind them. */
export type Received = Uint8Array<ArrayBuffer> | Close;

/** Reads the messages of a WebSocket out of its stream, each as a whole, and the close behind them. */
export class MessageReceiver {
  readonly #stream: Pick<Stream, "read">;
  readonly #maxMessage: number;
  /** The parts of a message that has come in several: views of them would keep their whole transport messages alive. */
  #buffer = new Uint8Array(0);
  #length = 0;
  #isText = false;

  /** @param maxMessage is in bytes. */
  constructor(stream: Pick<Stream, "read">, maxMessage: number) {
    this.#stream = stream;
    this.#maxMessage = maxMessage;
  }

  /** Whether what came last is a text, or a part of one; nobody has looked yet whether it is UTF-8. */
  get isText(): boolean {
    return this.#isText;
  }

  /**
   * Returns what comes next, or a promise of it; null for a message that is too long.
   *
   * @throws {StreamError} when the stream ends early or breaks the protocol.
   */
  next(): Received | null | Promise<Received | null> {
    for (;;) {
      const read = this.#stream.read();
      if (read instanceof Promise) return this.#awaitNext(read);
      const received = this.#take(read);
      if (received !== undefined) return received;
    }
  }

  /** Drops all that still comes, up to the end. */
  async dropRest(): Promise<void> {
    for (;;) {
      const read = this.#stream.read();
      const chunk = read instanceof Promise ? await read : read;
      if (chunk === null || chunk.type === FrameType.WSTeardown) return;
    }
  }

  /** Goes on with a read that waits. It is a loop, for a call within a call would keep the content of every part. */
  async #awaitNext(read: Chunk | null | Promise<Chunk | null>): Promise<Received | null> {
    for (;;) {
      const received = this.#take(read instanceof Promise ? await read : read);
      if (received !== undefined) return received;
      read = this.#stream.read();
    }
  }

  /** Takes a frame's content; returns undefined for a part that others follow. */
  #take(chunk: Chunk | null): Received | null | undefined {
    if (chunk === null) throw new StreamError(ErrorCode.Protocol, "no teardown at the end");
    if (chunk.type === FrameType.WSTeardown) return decodeReset(chunk.bytes);
    if (chunk.type !== FrameType.WSMessage) {
      throw new StreamError(ErrorCode.Protocol, "body data in a WebSocket's stream");
    }
    const isText = (chunk.flags & FrameFlag.Text) !== 0;
    if (this.#length > 0 && isText !== this.#isText) {
      throw new StreamError(ErrorCode.Protocol, "a message of which one part alone is text");
    }
    this.#isText = isText;
    const length = this.#length + chunk.bytes.length;
    if (length > MAX_WEBSOCKET_MESSAGE) {
      throw new StreamError(ErrorCode.TooLarge, "a WebSocket message of more than 64 MiB");
    }
    if (length > this.#maxMessage) return null;
    const isPart = (chunk.flags & FrameFlag.More) !== 0;
    if (isPart || this.#length > 0) this.#append(chunk.bytes);
    if (isPart) return undefined;
    return this.#length > 0 ? this.#takeParts() : chunk.bytes;
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }

  #takeParts(): Uint8Array<ArrayBuffer> {
    const message = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    return message;
  }
}

/** RFC 6455 section 5.6 knows UTF-8 alone, so a byte order mark belongs to the text. */
const OPTIONS = { ignoreBOM: true };

const strict = new TextDecoder("utf-8", { ...OPTIONS, fatal: true });
const lenient = new TextDecoder("utf-8", OPTIONS);

/** What the lenient decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

/** Decodes the text of a message. @throws {TypeError} when it is not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  const text = lenient.decode(bytes);
  // Deno's strict decoder takes three times as long. It alone can tell whether such a character was sent or put in.
  return text.includes(REPLACEMENT) ? strict.decode(bytes) : text;
}
