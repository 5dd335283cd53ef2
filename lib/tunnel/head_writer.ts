import type { RequestHead, ResponseHead } from "./head.ts";
import {
  BACKSLASH,
  CLOSING,
  COMMA,
  END,
  OPENING,
  QUOTE,
  REQUEST_FIELDS,
  REQUEST_START,
  REQUEST_TARGET,
  RESPONSE_FIELDS,
  RESPONSE_START,
} from "./head_spelling.ts";
import type { Field } from "./headers.ts";
import { slabRoom, takeFromSlab } from "./slab.ts";

const FIRST_VISIBLE = 0x20;
const LAST_VISIBLE = 0x7e;

/** Bytes of a head beside its texts, and of a field beside its name and value; both are bounds. */
const BYTES_PER_HEAD = 64;
const BYTES_PER_FIELD = 8;

/** An escape takes two bytes. */
const BYTES_PER_CHARACTER = 2;

/** Stands for the offset behind a text that cannot be written here. */
const NOWHERE = -1;

/**
 * Writes the JSON of a request head straight into bytes. `JSON.stringify` and the encoding of its text take half as long
 * again, since the texts of a request were just made and are read for the first time here.
 *
 * @returns the bytes, taken from a slab; undefined for a head that is not all visible ASCII, or too long for a slab.
 */
export function writeRequestHead({ method, target, fields }: RequestHead): Uint8Array | undefined {
  const out = roomFor(method.length + target.length, fields);
  if (out === null) return undefined;
  let at = putSpelling(REQUEST_START, out, 0);
  at = putText(method, out, at);
  if (at === NOWHERE) return undefined;
  at = putSpelling(REQUEST_TARGET, out, at);
  at = putText(target, out, at);
  if (at === NOWHERE) return undefined;
  at = putSpelling(REQUEST_FIELDS, out, at);
  at = putFields(fields, out, at);
  return at === NOWHERE ? undefined : takeFromSlab(at);
}

/** Writes the JSON of a response head likewise; the status is a whole number. */
export function writeResponseHead({ status, fields }: ResponseHead): Uint8Array | undefined {
  const number = String(status);
  const out = roomFor(number.length, fields);
  if (out === null) return undefined;
  let at = putSpelling(RESPONSE_START, out, 0);
  at = putSpelling(number, out, at);
  at = putSpelling(RESPONSE_FIELDS, out, at);
  at = putFields(fields, out, at);
  return at === NOWHERE ? undefined : takeFromSlab(at);
}

function roomFor(characters: number, fields: readonly Field[]): Uint8Array | null {
  let sum = characters;
  for (const field of fields) sum += field[0].length + field[1].length;
  return slabRoom(sum * BYTES_PER_CHARACTER + fields.length * BYTES_PER_FIELD + BYTES_PER_HEAD);
}

/** Writes the pairs, and what ends the list and the head. */
function putFields(fields: readonly Field[], out: Uint8Array, offset: number): number {
  let at = offset;
  for (const field of fields) {
    if (at > offset) out[at++] = COMMA;
    out[at++] = OPENING;
    out[at++] = QUOTE;
    at = putText(field[0], out, at);
    if (at === NOWHERE) return NOWHERE;
    out[at++] = QUOTE;
    out[at++] = COMMA;
    out[at++] = QUOTE;
    at = putText(field[1], out, at);
    if (at === NOWHERE) return NOWHERE;
    out[at++] = QUOTE;
    out[at++] = CLOSING;
  }
  out[at++] = CLOSING;
  out[at++] = END;
  return at;
}

/** Writes what stands between two quotes. */
function putText(text: string, out: Uint8Array, offset: number): number {
  let at = offset;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < FIRST_VISIBLE || code > LAST_VISIBLE) return NOWHERE;
    if (code === QUOTE || code === BACKSLASH) out[at++] = BACKSLASH;
    out[at++] = code;
  }
  return at;
}

/** Writes what stands around texts. */
function putSpelling(text: string, out: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) out[offset + i] = text.charCodeAt(i);
  return offset + text.length;
}
