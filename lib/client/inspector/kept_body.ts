import { keepOctets, keptMemory } from "./kept_octets.ts";

/** Bytes of a body that are kept, from its start: enough for nearly every page, form and webhook. */
export const MAX_KEPT_BODY = 256 * 1024;

/** Counts a body as it passes, and keeps its beginning. */
export class KeptBody {
  /** Bytes that passed. */
  size = 0;
  /** Bytes that were kept. */
  kept = 0;
  /** Whether the body has come to its end. */
  isComplete = false;
  #isFull = false;
  #memory: Uint8Array = NOTHING;
  /** Where it begins there. */
  #start = 0;
  /** Whether the memory is its own, and has room. */
  #isOwn = false;

  /** What was kept; the view is valid until more is added. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#start + this.kept);
  }

  /** Takes a piece, and copies what there is room for; returns by how many bytes its memory has grown. */
  add(piece: Uint8Array): number {
    this.size += piece.length;
    if (this.#isFull || piece.length === 0) return 0;
    const room = MAX_KEPT_BODY - this.kept;
    const part = piece.length > room ? piece.subarray(0, room) : piece;
    this.#isFull = part.length === room;
    const before = this.#isOwn ? this.#memory.length : this.kept;
    if (this.kept > 0) {
      this.#append(part);
      return this.#memory.length - before;
    }
    this.#start = keepOctets(part);
    this.#memory = keptMemory();
    this.kept = part.length;
    return part.length;
  }

  /** Moves what was kept into memory of its own. */
  leaveShared(): void {
    if (this.#isOwn) return;
    this.#memory = this.bytes.slice();
    this.#start = 0;
    this.#isOwn = true;
  }

  /** Lets go of what was kept, and keeps nothing more. */
  drop(): void {
    this.#memory = NOTHING;
    this.#start = 0;
    this.kept = 0;
    this.#isFull = true;
  }

  #append(part: Uint8Array): void {
    const length = this.kept + part.length;
    if (!this.#isOwn || length > this.#memory.length) {
      const larger = new Uint8Array(Math.min(MAX_KEPT_BODY, 2 * length));
      larger.set(this.bytes);
      this.#memory = larger;
      this.#start = 0;
      this.#isOwn = true;
    }
    this.#memory.set(part, this.kept);
    this.kept = length;
  }
}

const NOTHING = new Uint8Array(0);
