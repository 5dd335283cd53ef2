import { MAX_TRANSPORT_MESSAGE } from "../wire/limits.ts";
import { WordBuffer } from "./mask.ts";

/** Bytes of the first buffer for a message that comes in fragments. */
const FIRST_FRAGMENTS = 4 * 1024;

/** Bytes that a header alone can ask for; memory for the rest of a message is taken as it comes. */
const MAX_RESERVED = MAX_TRANSPORT_MESSAGE;

const NOTHING = new WordBuffer(0);

/** A message that is put together of what comes: its memory is its own, and grows with it. */
export class MessageBuffer {
  #memory = NOTHING;
  #filled = 0;

  get memory(): WordBuffer {
    return this.#memory;
  }

  /** Bytes that have come. */
  get filled(): number {
    return this.#filled;
  }

  /** Makes room for a frame's payload, once for a message of one frame that is not very long. */
  reserve(length: number, isOnly: boolean): void {
    const needed = this.#filled + Math.min(length, MAX_RESERVED);
    const { length: capacity } = this.#memory.bytes;
    if (needed <= capacity) return;
    this.#moveTo(isOnly ? needed : Math.max(needed, 2 * capacity, FIRST_FRAGMENTS));
  }

  /** Returns where the next of so many bytes are written to; some of them find room. */
  room(left: number): Uint8Array<ArrayBuffer> {
    const { length: capacity } = this.#memory.bytes;
    if (this.#filled === capacity) this.#moveTo(Math.min(this.#filled + left, 2 * capacity));
    return this.#memory.bytes.subarray(this.#filled, this.#filled + left);
  }

  /** Notes that so many bytes were written there. */
  advance(count: number): void {
    this.#filled += count;
  }

  /** Returns the whole message, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const message = this.#memory.bytes.subarray(0, this.#filled);
    this.#memory = NOTHING;
    this.#filled = 0;
    return message;
  }

  /**
   * Drops what has come of a message that never ends, and gives its memory back at once: V8 would keep megabytes until it
   * collects everything, which an idle process never does. Without `transfer` (Node 20) that is how it is.
   */
  release(): void {
    const { buffer } = this.#memory.bytes;
    this.#memory = NOTHING;
    this.#filled = 0;
    if (buffer.byteLength > 0) buffer.transfer?.(0);
  }

  #moveTo(capacity: number): void {
    const larger = new WordBuffer(capacity);
    larger.bytes.set(this.#memory.bytes.subarray(0, this.#filled));
    this.#memory = larger;
  }
}
