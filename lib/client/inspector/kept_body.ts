import { CHUNK, giveChunk, takeChunk } from "./kept_chunks.ts";
import { keepOctets, keptMemory, SMALL } from "./kept_octets.ts";

/** Bytes of a body that are kept, from its start: enough for nearly every page, form and webhook. */
export const MAX_KEPT_BODY = 256 * 1024;

/** Counts a body as it passes, and keeps its beginning: a short one among others, a longer one in chunks. */
export class KeptBody {
  /** Bytes that passed. */
  size = 0;
  /** Bytes that were kept. */
  kept = 0;
  /** Whether the body has come to its end. */
  isComplete = false;
  #isFull = false;
  /** The only piece so far. */
  #memory: Uint8Array = NOTHING;
  /** Where it begins there. */
  #start = 0;
  /** In the place of the only piece: chunks, of which the last has room and may be shorter. */
  #chunks: Uint8Array[] | null = null;
  /** Bytes of all chunks, and of what is in the last one. */
  #capacity = 0;
  #filled = 0;

  /** A copy of what was kept. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.kept);
    if (this.#chunks === null) bytes.set(this.#piece());
    else {
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk.subarray(0, this.kept - at), at);
        at += chunk.length;
      }
    }
    return bytes;
  }

  /** Takes a piece, and copies what there is room for; returns by how many bytes its memory has grown. */
  add(piece: Uint8Array): number {
    this.size += piece.length;
    if (this.#isFull || piece.length === 0) return 0;
    const room = MAX_KEPT_BODY - this.kept;
    const part = piece.length > room ? piece.subarray(0, room) : piece;
    this.#isFull = part.length === room;
    if (this.kept === 0 && part.length <= SMALL) {
      this.#start = keepOctets(part);
      this.#memory = keptMemory();
      this.kept = part.length;
      return part.length;
    }
    const before = this.#chunks === null ? this.kept : this.#capacity;
    if (this.#chunks === null) this.#breakUp(part.length);
    this.#append(part);
    return this.#capacity - before;
  }

  /** Moves what was kept into memory of its own. */
  leaveShared(): void {
    if (this.#chunks !== null) return;
    this.#memory = this.#piece().slice();
    this.#start = 0;
  }

  /** Lets go of what was kept, and keeps nothing more. */
  drop(): void {
    this.#giveChunks();
    this.#memory = NOTHING;
    this.#start = 0;
    this.kept = 0;
    this.#isFull = true;
  }

  #giveChunks(): void {
    if (this.#chunks === null) return;
    for (const chunk of this.#chunks) {
      if (chunk.length === CHUNK) giveChunk(chunk);
    }
    this.#chunks = null;
  }

  #piece(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#start + this.kept);
  }

  /** Moves the only piece into chunks, with room for so many bytes more. */
  #breakUp(more: number): void {
    const piece = this.#piece();
    this.#chunks = [];
    this.#addChunk(piece.length + more);
    this.#memory = NOTHING;
    this.kept = 0;
    this.#append(piece);
  }

  #append(part: Uint8Array): void {
    for (let at = 0; at < part.length;) {
      const chunk = this.#room(part.length - at);
      const next = part.subarray(at, at + chunk.length - this.#filled);
      chunk.set(next, this.#filled);
      this.#filled += next.length;
      at += next.length;
    }
    this.kept += part.length;
  }

  /** Returns a last chunk that has room, for so many bytes as far as one chunk goes. */
  #room(needed: number): Uint8Array {
    const last = this.#chunks?.at(-1);
    if (last === undefined || this.#filled === CHUNK) return this.#addChunk(needed);
    if (this.#filled < last.length) return last;
    this.#chunks?.pop();
    this.#capacity -= last.length;
    const filled = this.#filled;
    const larger = this.#addChunk(filled + needed);
    larger.set(last);
    this.#filled = filled;
    return larger;
  }

  /** Adds a chunk: a short one for few bytes, to which as many again may come. */
  #addChunk(needed: number): Uint8Array {
    const chunk = 2 * needed < CHUNK ? new Uint8Array(2 * needed) : takeChunk();
    this.#chunks?.push(chunk);
    this.#capacity += chunk.length;
    this.#filled = 0;
    return chunk;
  }
}

const NOTHING = new Uint8Array(0);
