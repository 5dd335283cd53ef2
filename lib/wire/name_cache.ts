import { spells } from "./spells.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Names that are remembered; a power of two, and more than all the peers of a server send in one minute. */
const SLOTS = 256;

/** Characters of the longest name that is remembered; few are half as long. */
const MAX_LENGTH = 64;

/**
 * Gives octets of ASCII that were a field's name before the same string again: V8 knows its hash then, and nothing
 * is allocated. One name takes the place of another whose octets fall into the same slot.
 */
export class NameCache {
  readonly #names = new Array<string>(SLOTS).fill("");

  /** Returns the text of the octets from `start` to `end`. */
  text(octets: Uint8Array, start: number, end: number): string {
    const slot = slotOf(octets, start, end);
    const known = this.#names[slot] ?? "";
    if (spells(octets, start, end, known)) return known;
    // A slice of the text of a head would keep all of that.
    const name = decodeUtf8(octets.subarray(start, end));
    if (name.length <= MAX_LENGTH) this.#names[slot] = name;
    return name;
  }
}

/** Mixes what tells names apart soonest. */
function slotOf(octets: Uint8Array, start: number, end: number): number {
  const first = octets[start] ?? 0;
  const middle = octets[(start + end) >> 1] ?? 0;
  const last = octets[end - 1] ?? 0;
  return ((end - start) * 13 + first * 31 + middle * 7 + last) & (SLOTS - 1);
}
