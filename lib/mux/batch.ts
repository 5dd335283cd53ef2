import { FRAME_HEADER_LENGTH, writeFrameHeader, writeUint32 } from "../wire/frame.ts";
import { headLength, writeHead, type WrittenHead } from "../wire/head.ts";

/** Bytes of the first buffer, which is made when there is something to send: an idle session costs nothing here. */
const INITIAL_CAPACITY = 2 * 1024;

const NO_BUFFER = new Uint8Array(0);

/** Bytes above which the buffer is let go when the last `SMALL_BATCHES` used less than a quarter of it. */
const KEPT_CAPACITY = 64 * 1024;

/** Batches in a row: a few short ones often stand between two long ones, and a new buffer costs as much as a copy. */
const SMALL_BATCHES = 16;

/** Bytes of the window in front of an opening head. */
const WINDOW_LENGTH = 4;

/** Collects frames back to back in one buffer, which is used again for each transport message. */
export class Batch {
  #buffer = NO_BUFFER;
  #length = 0;
  /** Batches in a row that hardly used the buffer. */
  #small = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends a frame, copying its payload. */
  append(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const start = this.#reserve(FRAME_HEADER_LENGTH + payload.length);
    writeFrameHeader(this.#buffer, start, type, flags, stream, payload.length);
    this.#buffer.set(payload, start + FRAME_HEADER_LENGTH);
  }

  /**
   * Appends a frame with a head; `window`, in bytes, stands before that of an opening.
   *
   * @throws {StreamError} `Protocol` for a head that cannot be written; nothing is appended then.
   */
  appendHead(
    type: number,
    flags: number,
    stream: number,
    window: number | null,
    head: WrittenHead,
  ): void {
    const prefix = window === null ? 0 : WINDOW_LENGTH;
    const length = prefix + headLength(head);
    const start = this.#reserve(FRAME_HEADER_LENGTH + length);
    const payload = start + FRAME_HEADER_LENGTH;
    writeFrameHeader(this.#buffer, start, type, flags, stream, length);
    if (window !== null) writeUint32(this.#buffer, payload, window);
    try {
      writeHead(head, this.#buffer, payload + prefix);
    } catch (error) {
      this.#length = start;
      throw error;
    }
  }

  /** Returns the collected message, valid until the next `append`, and begins a new one. */
  take(): Uint8Array<ArrayBuffer> {
    const message = this.#buffer.subarray(0, this.#length);
    this.#small = this.#length * 4 < this.#buffer.length ? this.#small + 1 : 0;
    if (this.#small >= SMALL_BATCHES && this.#buffer.length > KEPT_CAPACITY) {
      this.#buffer = NO_BUFFER;
    }
    this.#length = 0;
    return message;
  }

  #reserve(bytes: number): number {
    const start = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(
        Math.max(INITIAL_CAPACITY, this.#buffer.length * 2, this.#length),
      );
      larger.set(this.#buffer.subarray(0, start));
      this.#buffer = larger;
    }
    return start;
  }
}
