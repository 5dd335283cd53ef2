/** A client's frame: the opcode and the unmasked payload. */
export type ClientFrame = readonly [opcode: number, payload: number[]];

/** Reads client frames back. @throws {RangeError} when the last one is cut short. */
export function unmasked(bytes: Uint8Array): ClientFrame[] {
  const { frames, rest } = takeFrames(bytes);
  if (rest.length > 0) throw new RangeError("a frame is cut short");
  return frames;
}

/** Reads the frames that are whole, and returns what is behind them. */
export function takeFrames(bytes: Uint8Array): { frames: ClientFrame[]; rest: Uint8Array } {
  const frames: ClientFrame[] = [];
  let rest = bytes;
  for (let length = lengthOf(rest); length !== null; length = lengthOf(rest)) {
    frames.push(frameOf(rest.subarray(0, length)));
    rest = rest.subarray(length);
  }
  return { frames, rest };
}

/** Bytes of the two that begin a frame, and of the mask. */
const START = 2;
const MASK = 4;

/** Returns the bytes of the first frame, null when it is not whole. */
function lengthOf(bytes: Uint8Array): number | null {
  if (bytes.length < START) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const second = view.getUint8(1);
  if (view.getUint8(0) < 0x80 || second < 0x80) {
    throw new RangeError("a fragment, or a frame without a mask");
  }
  const header = START + extendedLength(second);
  if (bytes.length < header) return null;
  const short = second & 0x7f;
  const payload = short === 126
    ? view.getUint16(START)
    : short === 127
    ? Number(view.getBigUint64(START))
    : short;
  const length = header + MASK + payload;
  return bytes.length < length ? null : length;
}

function frameOf(bytes: Uint8Array): ClientFrame {
  const [first = 0, second = 0] = bytes;
  const at = START + extendedLength(second);
  const mask = bytes.subarray(at, at + MASK);
  const payload = Array.from(bytes.subarray(at + MASK), (byte, i) => byte ^ (mask[i % MASK] ?? 0));
  return [first & 0x0f, payload];
}

/** Bytes that a length takes behind the two that begin a frame (RFC 6455 section 5.2). */
function extendedLength(second: number): number {
  const short = second & 0x7f;
  return short === 127 ? 8 : short === 126 ? 2 : 0;
}
