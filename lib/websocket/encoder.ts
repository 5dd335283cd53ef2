import { applyMask, WordBuffer } from "./mask.ts";

/** A frame's opcodes (RFC 6455 section 5.2). */
export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** An end of a WebSocket: a client masks what it sends, a server does not (RFC 6455 section 5.1). */
export type Role = "client" | "server";

/** Bytes of a client's longest frame header: two, a length of eight and the mask. */
export const MAX_HEADER = 14;

/** Bytes of a control frame's payload (RFC 6455 section 5.5). */
export const MAX_CONTROL = 125;

/** Bytes that are masked at once, while the copy before has left them in the processor's cache. */
const BLOCK = 16 * 1024;

/** The bit of a header's second byte that says that a mask follows. */
const MASKED = 0x80;

/** A buffer that frames are written to, one behind the other. */
export class FrameBuffer {
  readonly #memory: WordBuffer;
  #length = 0;

  /** Makes room for so many bytes. */
  constructor(capacity: number) {
    this.#memory = new WordBuffer(capacity);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#memory.bytes;
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

  /**
   * Appends an unfragmented frame, copying its payload, which must fit. A client's `mask` is an unpredictable u32 (RFC
   * 6455 section 5.3), a server's null: its frames have none.
   */
  append(opcode: number, payload: Uint8Array, mask: number | null): void {
    const { bytes } = this;
    let at = this.#length;
    bytes[at++] = 0x80 | opcode;
    at = this.#putLength(at, payload.length, mask === null ? 0 : MASKED);
    if (mask === null) bytes.set(payload, at);
    else at = this.#putMasked(at, payload, mask);
    this.#length = at + payload.length;
  }

  /** Writes the mask, and the payload behind it, and returns the offset between the two. */
  #putMasked(start: number, payload: Uint8Array, mask: number): number {
    const { bytes } = this;
    let at = start;
    for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = mask >>> shift;
    for (let from = 0; from < payload.length; from += BLOCK) {
      const block = payload.length <= BLOCK ? payload : payload.subarray(from, from + BLOCK);
      bytes.set(block, at + from);
      const place = { from: at + from, to: at + from + block.length };
      applyMask(this.#memory, place, mask, from);
    }
    return at;
  }

  #putLength(at: number, length: number, masked: number): number {
    const { bytes } = this;
    if (length <= MAX_CONTROL) {
      bytes[at] = masked | length;
      return at + 1;
    }
    if (length <= 0xffff) {
      bytes[at] = masked | 126;
      bytes[at + 1] = length >>> 8;
      bytes[at + 2] = length;
      return at + 3;
    }
    bytes[at] = masked | 127;
    bytes.fill(0, at + 1, at + 5);
    for (let i = 0; i < 4; i++) bytes[at + 5 + i] = length >>> (24 - 8 * i);
    return at + 9;
  }
}
