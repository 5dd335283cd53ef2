/** A frame's opcodes (RFC 6455 section 5.2). */
export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** Bytes of a client's longest frame header: two, a length of eight and the mask. */
export const MAX_HEADER = 14;

/** Bytes of a control frame's payload (RFC 6455 section 5.5). */
export const MAX_CONTROL = 125;

/** Bytes that are masked at a time, as one word, and the binary logarithm of that number. */
const WORD_SHIFT = 3;
const WORD = 1 << WORD_SHIFT;

/** Bytes that are masked at once, while the copy before has left them in the processor's cache. */
const BLOCK = 16 * 1024;

/** A buffer that client frames are written to, one behind the other. */
export class FrameBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #words: BigUint64Array<ArrayBuffer>;
  #length = 0;

  /** Makes room for so many bytes, rounded up to whole words. */
  constructor(capacity: number) {
    this.#words = new BigUint64Array(Math.ceil(capacity / WORD));
    this.bytes = new Uint8Array(this.#words.buffer);
  }

  /** Bytes of the frames in it. */
  get length(): number {
    return this.#length;
  }

  /** Whether a frame with such a payload, of `payload` bytes, still fits. */
  fits(payload: number): boolean {
    return this.#length + MAX_HEADER + payload <= this.bytes.length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Appends an unfragmented frame, copying its payload, which must fit; `mask` is an unpredictable u32 (RFC 6455 section 5.3). */
  append(opcode: number, payload: Uint8Array, mask: number): void {
    const { bytes } = this;
    let at = this.#length;
    bytes[at++] = 0x80 | opcode;
    at = this.#putLength(at, payload.length);
    for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = mask >>> shift;
    for (let from = 0; from < payload.length; from += BLOCK) {
      const block = payload.length <= BLOCK ? payload : payload.subarray(from, from + BLOCK);
      bytes.set(block, at + from);
      // A block is whole words long, so each begins with the mask's first byte.
      this.#mask(at + from, at + from + block.length, mask);
    }
    this.#length = at + payload.length;
  }

  #putLength(at: number, length: number): number {
    const { bytes } = this;
    if (length <= MAX_CONTROL) {
      bytes[at] = 0x80 | length;
      return at + 1;
    }
    if (length <= 0xffff) {
      bytes[at] = 0x80 | 126;
      bytes[at + 1] = length >>> 8;
      bytes[at + 2] = length;
      return at + 3;
    }
    bytes[at] = 0x80 | 127;
    bytes.fill(0, at + 1, at + 5);
    for (let i = 0; i < 4; i++) bytes[at + 5 + i] = length >>> (24 - 8 * i);
    return at + 9;
  }

  /** Masks in place: bytes up to the first whole word, words, the bytes behind the last. */
  #mask(from: number, to: number, mask: number): void {
    const { bytes } = this;
    const words = this.#words;
    const aligned = Math.min(to, (from + WORD - 1) & -WORD);
    let at = from;
    for (; at < aligned; at++) bytes[at] = (bytes[at] ?? 0) ^ maskByte(mask, at - from);
    const lastWord = to >>> WORD_SHIFT;
    // With `asUintN`, V8 works on 64 bits as they are and makes no object for each word.
    const rotated = BigInt.asUintN(64, wordOf(mask, at - from));
    for (let i = at >>> WORD_SHIFT; i < lastWord; i++) {
      words[i] = BigInt.asUintN(64, (words[i] ?? 0n) ^ rotated);
    }
    at = Math.max(at, lastWord << WORD_SHIFT);
    for (; at < to; at++) bytes[at] = (bytes[at] ?? 0) ^ maskByte(mask, at - from);
  }
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
