/** Reads whole client frames back: the opcode and the unmasked payload of each. */
export function unmasked(bytes: Uint8Array): (readonly [opcode: number, payload: number[]])[] {
  const frames: (readonly [number, number[]])[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const first = view.getUint8(at);
    const short = view.getUint8(at + 1);
    if (first < 0x80 || short < 0x80) throw new RangeError("a fragment, or a frame without a mask");
    at += 2;
    let length = short & 0x7f;
    if (length === 126) {
      length = view.getUint16(at);
      at += 2;
    } else if (length === 127) {
      length = Number(view.getBigUint64(at));
      at += 8;
    }
    const mask = bytes.subarray(at, at + 4);
    const masked = bytes.subarray(at + 4, at + 4 + length);
    if (masked.length < length) throw new RangeError("a frame is cut short");
    frames.push([first & 0x0f, Array.from(masked, (byte, i) => byte ^ (mask[i % 4] ?? 0))]);
    at += 4 + length;
  }
  return frames;
}
