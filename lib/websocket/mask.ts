/** Bytes that are masked at a time, as one word, and the binary logarithm of that number. */
const WORD_SHIFT = 3;
const WORD = 1 << WORD_SHIFT;

/** Bytes, and the whole words of eight that they make. */
export class WordBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: BigUint64Array<ArrayBuffer>;

  /** Makes room for so many bytes. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.words = new BigUint64Array(this.bytes.buffer, 0, capacity >>> WORD_SHIFT);
  }
}

/**
 * Masks a part of a payload in place, or unmasks it, which is the same (RFC 6455 section 5.3): bytes up to the first whole
 * word, words, the bytes behind the last.
 *
 * @param index is the offset in the payload at which the part begins.
 */
export function applyMask(
  { bytes, words }: WordBuffer,
  { from, to }: { readonly from: number; readonly to: number },
  mask: number,
  index: number,
): void {
  // Some clients mask with zeros where a mask protects nothing.
  if (mask === 0) return;
  const aligned = Math.min(to, (from + WORD - 1) & -WORD);
  const shift = index - from;
  let at = from;
  for (; at < aligned; at++) bytes[at] = (bytes[at] ?? 0) ^ maskByte(mask, at + shift);
  const lastWord = to >>> WORD_SHIFT;
  if (at >>> WORD_SHIFT < lastWord) {
    // With `asUintN`, V8 works on 64 bits as they are and makes no object for each word.
    const rotated = BigInt.asUintN(64, wordOf(mask, at + shift));
    for (let i = at >>> WORD_SHIFT; i < lastWord; i++) {
      words[i] = BigInt.asUintN(64, (words[i] ?? 0n) ^ rotated);
    }
    at = lastWord << WORD_SHIFT;
  }
  for (; at < to; at++) bytes[at] = (bytes[at] ?? 0) ^ maskByte(mask, at + shift);
}

function maskByte(mask: number, index: number): number {
  return (mask >>> (24 - 8 * (index & 3))) & 0xff;
}

const wordBytes = new Uint8Array(WORD);
const word = new BigUint64Array(wordBytes.buffer);

/** Returns the mask from its byte `index` on, twice, as a word in this machine's byte order. */
function wordOf(mask: number, index: number): bigint {
  for (let i = 0; i < WORD; i++) wordBytes[i] = maskByte(mask, index + i);
  return word[0] ?? 0n;
}

/** Masks drawn at once: asking the system for each would cost more than masking a small frame. */
const MASKS = 1024;

/** Draws masks from the system's random source. */
export class MaskPool {
  readonly #masks = new Uint32Array(MASKS);
  #next = MASKS;

  next(): number {
    if (this.#next === MASKS) {
      crypto.getRandomValues(this.#masks);
      this.#next = 0;
    }
    return this.#masks[this.#next++] ?? 0;
  }
}
