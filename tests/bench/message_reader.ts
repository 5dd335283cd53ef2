/** What is done with each WebSocket frame; the payload is unmasked and may be kept. */
export type FrameHandler = (opcode: number, payload: Uint8Array<ArrayBuffer>) => void;

/** The opcodes that matter here (RFC 6455 section 5.2). */
export const BINARY = 2;
export const PING = 9;
export const PONG = 10;

const NOTHING = new Uint8Array(0);

/** Finds the WebSocket frames in what one side of a connection sends, behind its HTTP head. */
export class MessageReader {
  readonly #handle: FrameHandler;
  #pending = NOTHING;
  #isHead = true;

  constructor(handle: FrameHandler) {
    this.#handle = handle;
  }

  /** Takes the next bytes, however they are cut. @throws {RangeError} for a message in fragments, which neither side sends. */
  push(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#pending.length + bytes.length);
    all.set(this.#pending);
    all.set(bytes, this.#pending.length);
    let at = 0;
    if (this.#isHead) {
      at = endOfHead(all);
      this.#isHead = at === 0;
    }
    while (!this.#isHead) {
      const frame = frameAt(all, at);
      if (frame === null) break;
      at = frame.end;
      this.#handle(frame.opcode, frame.payload);
    }
    this.#pending = at === all.length ? NOTHING : all.slice(at);
  }
}

interface WebSocketFrame {
  readonly opcode: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The offset behind it. */
  readonly end: number;
}

/** Reads a frame of either side (RFC 6455 section 5.2); null when it is not complete. */
function frameAt(bytes: Uint8Array, start: number): WebSocketFrame | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < start + 2) return null;
  const first = view.getUint8(start);
  const second = view.getUint8(start + 1);
  const short = second & 0x7f;
  const lengthSize = short === 127 ? 8 : short === 126 ? 2 : 0;
  const maskAt = start + 2 + lengthSize;
  const from = maskAt + (second >= 0x80 ? 4 : 0);
  if (bytes.length < from) return null;
  const length = lengthSize === 0
    ? short
    : lengthSize === 2
    ? view.getUint16(start + 2)
    : Number(view.getBigUint64(start + 2));
  const end = from + length;
  if (bytes.length < end) return null;
  if (first < 0x80 || (first & 0x0f) === 0) {
    throw new RangeError("a WebSocket message in fragments");
  }
  const payload = bytes.slice(from, end);
  if (second >= 0x80) {
    const mask = bytes.subarray(maskAt, from);
    for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
  }
  return { opcode: first & 0x0f, payload, end };
}

/** Finds the offset behind the empty line; 0 when it has not come. */
function endOfHead(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++) {
    if (bytes[i] === 0x0a && bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a) return i + 1;
  }
  return 0;
}
