import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * Period in bytes, a prime just below 1 MiB: whatever block a tunnel could lose, repeat or swap has a
 * power of two for its size, and never fits the period.
 */
const PERIOD = 1_048_573;

/** The longest view, in bytes. */
const MAX_PIECE = 256 * 1024;

/** Makes endless content whose byte at any offset is known, so that a gigabyte is checked without holding it. */
export class Pattern {
  readonly #bytes = new Uint8Array(PERIOD + MAX_PIECE);

  constructor(seed = 1) {
    // A linear congruential generator: the content has to differ from place to place, nothing more.
    let state = seed;
    for (let i = 0; i < PERIOD; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      this.#bytes[i] = state >>> 24;
    }
    this.#bytes.copyWithin(PERIOD, 0, MAX_PIECE);
  }

  /** Returns a view of the content from `offset` on, at most `length` bytes, and 256 KiB. */
  at(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const start = offset % PERIOD;
    return this.#bytes.subarray(start, start + Math.min(length, MAX_PIECE));
  }

  /** Gives the first `length` bytes, piece by piece. */
  *pieces(length: number, pieceLength = MAX_PIECE): Generator<Uint8Array<ArrayBuffer>> {
    for (let offset = 0; offset < length;) {
      const piece = this.at(offset, Math.min(length - offset, pieceLength));
      yield piece;
      offset += piece.length;
    }
  }

  /** Tells whether the bytes are what stands at that offset. */
  matches(offset: number, bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length;) {
      const expected = this.at(offset + done, bytes.length - done);
      const seen = bytes.subarray(done, done + expected.length);
      if (Buffer.compare(expected, seen) !== 0) return false;
      done += expected.length;
    }
    return true;
  }

  /** Returns the SHA-256 of the first `length` bytes, in hexadecimal. */
  sha256(length: number): string {
    const hash = createHash("sha256");
    for (const piece of this.pieces(length)) hash.update(piece);
    return hash.digest("hex");
  }
}
