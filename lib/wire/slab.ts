/** Bytes of a slab: room for a hundred heads, so that few of them need memory of their own. */
const SLAB = 64 * 1024;

let slab = new Uint8Array(0);

/** Returns room for so many bytes, to be written from its start on; null for more than a slab has. */
export function slabRoom(bytes: number): Uint8Array | null {
  if (bytes > SLAB) return null;
  if (slab.length < bytes) slab = new Uint8Array(SLAB);
  return slab;
}

/** Returns what was written there, for a short time: the bytes share a buffer with others, which lives as long as any of them. */
export function takeFromSlab(length: number): Uint8Array {
  const bytes = slab.subarray(0, length);
  slab = slab.subarray(length);
  return bytes;
}
