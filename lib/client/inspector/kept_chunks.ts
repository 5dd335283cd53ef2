/** Bytes of a chunk: a few of them hold most bodies, and the last is half empty on average. */
export const CHUNK = 16 * 1024;

/** Chunks that wait for the next body: those of two of the longest, since each new one takes the place of an old one. */
const MAX_SPARE = 32;

const spare: Uint8Array[] = [];

/**
 * Returns a chunk with anything in it.
 *
 * The chunks of records that are gone are used again: new memory of this length comes from the system page by page,
 * which for an answer of 100 KB took as long as all else that the client did.
 */
export function takeChunk(): Uint8Array {
  return spare.pop() ?? new Uint8Array(CHUNK);
}

/** Takes a chunk back that nobody reads any more. */
export function giveChunk(chunk: Uint8Array): void {
  if (spare.length < MAX_SPARE) spare.push(chunk);
}
