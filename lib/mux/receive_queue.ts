import { FrameFlag, FrameType } from "../wire/frame.ts";

/** A frame's content as a stream's reader gets it. */
export interface Chunk {
  /** `FrameType.Data`, `WSMessage` or `WSTeardown`. */
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The credit that it took, in bytes. */
  readonly cost: number;
}

/** Bytes below which a payload is copied: a small view would keep its whole transport message alive. */
const SMALL = 4096;

/** Bytes of a transport message that one small payload may keep alive. */
const KEPT_MESSAGE = 64 * 1024;

/** Bytes of the first block for small payloads, which is most often the only one, and of the later blocks. */
const FIRST_BLOCK = 1024;
const BLOCK = 16 * 1024;

/** Chunks that were read and stand in front of the others, after which the list is cut. */
const COMPACT_AFTER = 256;

/** Parts of a buffer of which a payload that waits must be one, so that it is not copied out of it. */
const MIN_SHARE = 2;

/** Holds what arrived before its reader asked for it, with many small frames in few blocks. */
export class ReceiveQueue {
  readonly #chunks: Chunk[] = [];
  #head = 0;
  #block: Uint8Array<ArrayBuffer> | null = null;
  #used = 0;
  /** Whether something was taken since `settle` was last called. */
  #hasMoved = false;

  get empty(): boolean {
    return this.#head === this.#chunks.length;
  }

  /** Adds a payload that took `cost` bytes of credit. */
  push(type: number, flags: number, bytes: Uint8Array<ArrayBuffer>, cost = bytes.length): void {
    // The first payload of a queue may stay where it is: there is one for each stream.
    const isLoneView = this.empty && bytes.buffer.byteLength <= KEPT_MESSAGE;
    if (bytes.length >= SMALL || isLoneView) {
      this.#block = null;
      this.#chunks.push({ type, flags, bytes, cost });
      return;
    }
    if (this.#extendLast(type, flags, bytes, cost)) return;
    if (this.#block === null || this.#block.length - this.#used < bytes.length) {
      const isFirst = this.#block === null && bytes.length <= FIRST_BLOCK;
      this.#block = new Uint8Array(isFirst ? FIRST_BLOCK : BLOCK);
      this.#used = 0;
    }
    const start = this.#used;
    this.#block.set(bytes, start);
    this.#used += bytes.length;
    this.#chunks.push({ type, flags, bytes: this.#block.subarray(start, this.#used), cost });
  }

  shift(): Chunk | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return undefined;
    this.#head++;
    this.#hasMoved = true;
    if (this.#head === this.#chunks.length) this.clear();
    else if (this.#head === COMPACT_AFTER) this.#compact();
    return chunk;
  }

  /**
   * Moves what waits into memory of its own when nothing was taken since the last call. A transport message has payloads of
   * several streams, and stays in memory as a whole as long as one of them waits.
   */
  settle(): void {
    const isStill = !this.#hasMoved;
    this.#hasMoved = false;
    if (!isStill) return;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i];
      if (chunk === undefined) return;
      const { bytes } = chunk;
      const { byteLength } = bytes.buffer;
      // Blocks are shared by what waits here alone.
      if (byteLength <= BLOCK || bytes.length * MIN_SHARE >= byteLength) continue;
      this.#chunks[i] = { ...chunk, bytes: bytes.slice() };
    }
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#head = 0;
    this.#block = null;
  }

  #compact(): void {
    this.#chunks.splice(0, this.#head);
    this.#head = 0;
  }

  /** Joins a small payload to the last chunk where no boundary lies between them. */
  #extendLast(type: number, flags: number, bytes: Uint8Array<ArrayBuffer>, cost: number): boolean {
    const last = this.#chunks.at(-1);
    const block = this.#block;
    if (last === undefined || block === null) return false;
    const joins = last.type === type && last.flags === flags &&
      (type === FrameType.Data ? flags === 0 : (flags & FrameFlag.More) !== 0);
    if (!joins || block.length - this.#used < bytes.length) return false;
    const start = this.#used - last.bytes.length;
    block.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#chunks[this.#chunks.length - 1] = {
      type,
      flags,
      bytes: block.subarray(start, this.#used),
      cost: last.cost + cost,
    };
    return true;
  }
}
