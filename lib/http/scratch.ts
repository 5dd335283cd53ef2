/** Bytes of a piece of memory that heads share: room for a hundred of them. */
const PIECE = 64 * 1024;

let piece = new Uint8Array(PIECE);

/**
 * Returns room for so many bytes at least, to be written from its start on before the next call.
 *
 * Each small array has memory of its own outside V8's heap, which costs more to make and to collect than all that is
 * written there.
 */
export function scratchRoom(bytes: number): Uint8Array {
  if (piece.length < bytes) piece = new Uint8Array(Math.max(PIECE, bytes));
  return piece;
}

/** Returns what was written there. It shares its memory with others, and keeps that alive while it is held. */
export function takeScratch(length: number): Uint8Array {
  const bytes = piece.subarray(0, length);
  piece = piece.subarray(length);
  return bytes;
}
