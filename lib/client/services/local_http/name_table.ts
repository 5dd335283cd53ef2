import { spells } from "../../../wire/spells.ts";

/** Finds a few names among octets in lower case: a load decides for nearly all others, and no string is made. */
export class NameTable {
  readonly #names: readonly string[];
  readonly #longest: number;
  /** By length and the five low bits of the first letter: the place of a name, counted from 1. */
  readonly #places: Uint8Array;

  /** @throws {RangeError} for two names of the same length and first letter. */
  constructor(names: Iterable<string>) {
    this.#names = [...new Set(names)];
    this.#longest = Math.max(...this.#names.map((name) => name.length));
    this.#places = new Uint8Array(placeOf(this.#longest + 1, 0));
    this.#names.forEach((name, i) => {
      const place = placeOf(name.length, name.charCodeAt(0));
      if (this.#places[place] !== 0) throw new RangeError(`${name} is not alone in its place`);
      this.#places[place] = i + 1;
    });
  }

  /** Returns the name that the octets spell, or an empty text for any other. */
  find(octets: Uint8Array, from: number, to: number): string {
    const length = to - from;
    if (length > this.#longest) return "";
    const place = this.#places[placeOf(length, octets[from] ?? 0)] ?? 0;
    if (place === 0) return "";
    const name = this.#names[place - 1] ?? "";
    return spells(octets, from, to, name) ? name : "";
  }
}

function placeOf(length: number, first: number): number {
  return length << 5 | first & 0x1f;
}
