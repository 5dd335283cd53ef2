import { joined } from "../testing/frame_peer.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";

/** Values at which lengths, sizes and counters turn over. */
const EDGES = [
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0x8000,
  0xffff,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
];

/** Returns bytes that differ from the given ones in a few places, as an attacker would change them. */
export function mutated(
  random: SeededRandom,
  bytes: Uint8Array,
  { changes = 4 }: { /** At most. */ readonly changes?: number } = {},
): Uint8Array<ArrayBuffer> {
  let result = joined(bytes);
  for (let i = random.integer(1, changes); i > 0; i--) result = change(random, result);
  return result;
}

/** Returns a text with a few of its characters changed to any others. */
export function mutatedText(
  random: SeededRandom,
  text: string,
  characters: readonly [string, ...string[]],
): string {
  let result = text;
  for (let i = random.integer(1, 3); i > 0; i--) {
    const at = random.integer(0, result.length);
    const removed = random.pick([0, 0, 1, 1, 5]);
    result = result.slice(0, at) + random.pick(characters) + result.slice(at + removed);
  }
  return result;
}

/** Pieces that long bytes are cut into, so that a case takes no second. */
const MAX_PIECES = 500;

/** Cuts bytes into pieces of any length, single bytes where they are few. */
export function* pieces(random: SeededRandom, bytes: Uint8Array): Generator<Uint8Array> {
  const most = Math.max(random.pick([1, 7, 100, 5000, 100_000]), bytes.length * 2 / MAX_PIECES);
  for (let at = 0; at < bytes.length;) {
    const length = random.integer(1, most);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function change(random: SeededRandom, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = random.integer(0, Math.max(0, bytes.length - 1));
  const length = random.pick([1, 2, 4, 10, random.integer(1, 100)]);
  switch (random.integer(0, 7)) {
    case 0: // one bit
      return replaced(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.integer(0, 7))), 1);
    case 1: // one byte
      return replaced(bytes, at, random.bytes(1), 1);
    case 2: // a number at one of its edges
      return replaced(bytes, at, policy(random), 4);
    case 3: // something more
      return replaced(bytes, at, random.bytes(length), 0);
    case 4: // something less
      return replaced(bytes, at, new Uint8Array(0), length);
    case 5: // something twice
      return replaced(bytes, at, bytes.subarray(at, at + length), 0);
    case 6: // a part of it elsewhere
      return replaced(
        bytes,
        random.integer(0, bytes.length),
        bytes.slice(at, at + length),
        random.pick([0, length]),
      );
    default: // cut
      return bytes.slice(0, at);
  }
}

function policy(random: SeededRandom): Uint8Array {
  const value = EDGES[random.integer(0, EDGES.length - 1)] ?? 0;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return random.oneIn(2) ? bytes : bytes.subarray(2);
}

function replaced(
  bytes: Uint8Array,
  at: number,
  by: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return joined(bytes.subarray(0, at), by, bytes.subarray(at + length));
}
