import { FrameBuffer, MAX_HEADER, type Role } from "./encoder.ts";
import { MaskPool } from "./mask.ts";

/** Bytes of the smallest buffer: room for what a busy turn of small answers sends. */
const SMALL_BUFFER = 16 * 1024;

/** Bytes of the largest buffer that is kept: a full batch of the session fits. */
const KEPT_BUFFER = 512 * 1024;

/** Buffers kept for the next frames: as many batches as the session lets lie unsent. */
const MAX_SPARE = 4;

/**
 * Frames that wait to be written, back to back, so that all of them leave with one write.
 *
 * Who sends bounds it: a session stops body data at `SOCKET_HIGH_WATER` and ends above `SOCKET_LIMIT`, a bridge waits above a
 * megabyte.
 */
export class FrameQueue {
  /** null at a server's end. */
  readonly #masks: MaskPool | null;
  readonly #buffers: FrameBuffer[] = [];
  readonly #spare: FrameBuffer[] = [];
  /** Bytes of the first buffer that are written. */
  #written = 0;
  #length = 0;

  /** Makes the queue of one end of a connection. @default a client's, which masks */
  constructor({ role = "client" }: { readonly role?: Role } = {}) {
    this.#masks = role === "client" ? masks : null;
  }

  /** Bytes that are not written yet. */
  get length(): number {
    return this.#length;
  }

  /** Appends a frame, copying its payload. */
  append(opcode: number, payload: Uint8Array): void {
    const last = this.#buffers.at(-1);
    const buffer = last?.fits(payload.length) ? last : this.#add(payload.length);
    const before = buffer.length;
    buffer.append(opcode, payload, this.#masks?.next() ?? null);
    this.#length += buffer.length - before;
  }

  /** Returns what to write next, or null; it stays unchanged until `written` is called. */
  next(): Uint8Array | null {
    const first = this.#buffers[0];
    return first === undefined ? null : first.bytes.subarray(this.#written, first.length);
  }

  /** Notes that the first `count` bytes of `next` were written. */
  written(count: number): void {
    this.#written += count;
    this.#length -= count;
    const first = this.#buffers[0];
    if (first === undefined || this.#written < first.length) return;
    this.#buffers.shift();
    this.#written = 0;
    this.#keep(first);
  }

  #add(payload: number): FrameBuffer {
    const needed = MAX_HEADER + payload;
    const index = this.#spare.findLastIndex(({ bytes }) => bytes.length >= needed);
    const [spare] = index === -1 ? [] : this.#spare.splice(index, 1);
    const buffer = spare ?? new FrameBuffer(capacityFor(needed));
    this.#buffers.push(buffer);
    return buffer;
  }

  #keep(buffer: FrameBuffer): void {
    if (buffer.bytes.length > KEPT_BUFFER) return;
    buffer.clear();
    this.#spare.push(buffer);
    if (this.#spare.length > MAX_SPARE) this.#spare.shift();
  }
}

/** All connections draw from it: a pool of 4 KiB for each would be most of what an idle one holds. */
const masks = new MaskPool();

/** Rounds up to a power of two, so that the next batch, a little longer, fits as well. */
function capacityFor(needed: number): number {
  return needed <= SMALL_BUFFER ? SMALL_BUFFER : 2 ** Math.ceil(Math.log2(needed));
}
