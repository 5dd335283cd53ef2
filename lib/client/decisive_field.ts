import { CONNECTION_FIELDS } from "../http1/connection_field.ts";

/** Names of which each is alone with its length and first letter; an ordinary Connection would name the first. */
const DECISIVE: readonly string[] = ["close", ...CONNECTION_FIELDS];
const LONGEST = Math.max(...DECISIVE.map((name) => name.length));

/** By length and the five low bits of the first letter: the place in {@linkcode DECISIVE}, counted from 1. */
const PLACES: Uint8Array = places();

/**
 * Returns the name of a field when a response head cannot be passed on without looking at it, and an empty text for any
 * other. The octets are in lower case; a load decides for nearly all names, and no string is made.
 */
export function decisiveField(octets: Uint8Array, from: number, to: number): string {
  const length = to - from;
  if (length > LONGEST) return "";
  const place = PLACES[placeOf(length, octets[from] ?? 0)] ?? 0;
  if (place === 0) return "";
  const name = DECISIVE[place - 1] ?? "";
  return spells(octets, from, to, name) ? name : "";
}

/** Tells whether the octets are those of an ASCII text. */
export function spells(octets: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (octets[from + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

function placeOf(length: number, first: number): number {
  return length << 5 | first & 0x1f;
}

function places(): Uint8Array {
  const table = new Uint8Array(placeOf(LONGEST + 1, 0));
  DECISIVE.forEach((name, i) => table[placeOf(name.length, name.charCodeAt(0))] = i + 1);
  return table;
}
