/** Bytes of a slab: room for a hundred heads, so that few of them need memory of their own. */
const SLAB = 64 * 1024;

/** A UTF-16 unit takes at most three bytes of UTF-8. */
const BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();
let slab = new Uint8Array(0);

/** Encodes a text that is needed for a short time: the bytes share a buffer with others, which lives as long as any of them. */
export function encodeUtf8(text: string): Uint8Array {
  const bound = text.length * BYTES_PER_UNIT;
  if (bound > SLAB) return encoder.encode(text);
  if (slab.length < bound) slab = new Uint8Array(SLAB);
  const { written } = encoder.encodeInto(text, slab);
  const bytes = slab.subarray(0, written);
  slab = slab.subarray(written);
  return bytes;
}
