/** Bytes up to which a copy shares its memory with others. */
export const SMALL = 4 * 1024;

/** Bytes of such shared memory: some dozens of small requests. */
const BLOCK = 64 * 1024;

let block = new Uint8Array(BLOCK);
let used = 0;

/** What the latest copy is in. */
let latest = block;

/**
 * Copies bytes for a record and returns where they begin in {@linkcode keptMemory}; small ones share their memory with
 * their neighbours in time.
 *
 * An array for each copy, or a view of it, would be most of what recording costs: it is made for every request, and
 * lives long enough to be collected at the highest price. Records go in the order in which they came, so a shared
 * block goes soon after the first of its records.
 */
export function keepOctets(bytes: Uint8Array): number {
  if (bytes.length > SMALL) {
    latest = bytes.slice();
    return 0;
  }
  if (BLOCK - used < bytes.length) {
    block = new Uint8Array(BLOCK);
    used = 0;
  }
  latest = block;
  const start = used;
  block.set(bytes, start);
  used += bytes.length;
  return start;
}

/** Returns what the latest copy is in. */
export function keptMemory(): Uint8Array {
  return latest;
}
