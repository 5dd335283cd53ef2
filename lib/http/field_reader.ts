import { FieldLines, scratchCopy, scratchRoom, takeScratch } from "./field_lines.ts";
import { HeadError, lineAt } from "./head_error.ts";
import { notableKind, type NotableLine, notableName } from "./notable_line.ts";
import {
  COLON,
  CR,
  isBlank,
  isOf,
  latin1,
  LF,
  LOWER_TOKEN,
  OCTETS,
  SP,
  TEXT,
  TOKEN,
} from "./octets.ts";

/** Fields in one head: `Deno.serve` takes 128, origins send fewer by far. */
export const MAX_FIELDS = 256;

/** A part of a head, from one offset to before another. */
export interface HeadRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the field lines in a part of a head on the wire, where the spelling of {@linkcode FieldLines} is the only right one.
 *
 * @throws {HeadError} for a line that is not a field, and for more than {@linkcode MAX_FIELDS}.
 */
export function readWireFields(octets: Uint8Array, { start, end }: HeadRange): FieldLines {
  const notable: NotableLine[] = [];
  let at = start;
  for (let count = 0; at < end; count++) {
    if (count === MAX_FIELDS) throw tooMany();
    const line = at;
    // The table is asked here and not by isOf, which other callers ask for what is no octet: that takes V8 twice as long.
    while (((OCTETS[octets[at] ?? 0] ?? 0) & LOWER_TOKEN) !== 0) at++;
    const length = at - line;
    const value = at + 2;
    if (length === 0 || octets[at] !== COLON || octets[at + 1] !== SP) throw badLine(octets, line);
    at = value;
    while (((OCTETS[octets[at] ?? 0] ?? 0) & TEXT) !== 0) at++;
    const hasBlanks = at > value && (isBlank(octets[value]) || isBlank(octets[at - 1]));
    if (hasBlanks || octets[at] !== CR || octets[at + 1] !== LF || at + 2 > end) {
      throw badLine(octets, line);
    }
    at += 2;
    const name = notableName(octets, line, length);
    if (name === "") continue;
    const kind = notableKind(name);
    notable.push({ name, kind, start: line - start, value: value - start, end: at - start });
  }
  // What it was read from is used again for what comes next.
  return new FieldLines(scratchCopy(octets, start, at), notable);
}

/**
 * Reads the field lines in a part of a head of HTTP/1.1 (RFC 9112 section 5), where names may have capital letters and
 * values any blanks around them (section 5.1); neither is kept.
 *
 * @throws {HeadError} as {@linkcode readWireFields} does.
 */
export function readMessageFields(octets: Uint8Array, { start, end }: HeadRange): FieldLines {
  const notable: NotableLine[] = [];
  // A line becomes longer by the blank behind its colon, and by nothing else.
  const out = scratchRoom(end - start + MAX_FIELDS);
  let at = start;
  let to = 0;
  for (let count = 0; at < end; count++) {
    if (count === MAX_FIELDS) throw tooMany();
    const line = at;
    const nameStart = to;
    for (let letter = NAMES[octets[at] ?? 0] ?? 0; letter !== 0;) {
      out[to++] = letter;
      letter = NAMES[octets[++at] ?? 0] ?? 0;
    }
    const nameLength = to - nameStart;
    if (nameLength === 0 || octets[at] !== COLON) throw badLine(octets, line);
    at++;
    out[to++] = COLON;
    out[to++] = SP;
    while (isBlank(octets[at])) at++;
    const value = to;
    for (let octet = octets[at] ?? 0; isOf(octet, TEXT);) {
      out[to++] = octet;
      octet = octets[++at] ?? 0;
    }
    while (to > value && isBlank(out[to - 1])) to--;
    if (octets[at] !== CR || octets[at + 1] !== LF || at + 2 > end) throw badLine(octets, line);
    at += 2;
    out[to++] = CR;
    out[to++] = LF;
    const name = notableName(out, nameStart, nameLength);
    if (name === "") continue;
    notable.push({ name, kind: notableKind(name), start: nameStart, value, end: to });
  }
  return new FieldLines(takeScratch(to), notable);
}

/** The octets of names, capital letters in lower case; 0 for any other. */
const NAMES: Uint8Array = OCTETS.map((kinds, octet) => {
  if ((kinds & TOKEN) === 0) return 0;
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
});

function tooMany(): HeadError {
  return new HeadError(`a head must have at most ${MAX_FIELDS} fields`);
}

function badLine(octets: Uint8Array, start: number): HeadError {
  return new HeadError(
    "a field line must be a name, a colon and a value",
    lineAt(latin1(octets), start),
  );
}
