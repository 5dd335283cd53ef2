/** Bytes of the memory that heads share: room for a hundred of them. */
const PIECE = 64 * 1024;

let piece = new Uint8Array(PIECE);

/**
 * Returns room for so many bytes at least; the caller writes from its start, before the next call.
 *
 * A small array of its own would have memory outside V8's heap, which costs more to make and to collect than to fill.
 */
export function scratchRoom(bytes: number): Uint8Array {
  if (piece.length < bytes) piece = new Uint8Array(Math.max(PIECE, bytes));
  return piece;
}

/** Returns the bytes that were written there, which stay as they are; all of the memory lives as long as one of its parts. */
export function takeScratch(length: number): Uint8Array {
  const bytes = piece.subarray(0, length);
  piece = piece.subarray(length);
  return bytes;
}
