import type { Field } from "./fields.ts";
import { FieldLines, scratchCopy, scratchRoom, takeScratch } from "./field_lines.ts";
import { HeadError, lineAt, shown } from "./head_error.ts";
import { LF_ALONE, type Mendings } from "./mendings.ts";
import { notableKind, type NotableLine, notableName } from "./notable_line.ts";
import {
  COLON,
  CR,
  endOf,
  isBlank,
  isOf,
  latin1,
  LF,
  LINE_END,
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
    const value = wireValue(octets, line);
    at = behindWireLine(octets, line, value, end);
    const name = notableName(octets, line, value - SEPARATOR.length - line);
    if (name === "") continue;
    const kind = notableKind(name);
    notable.push({ name, kind, start: line - start, value: value - start, end: at - start });
  }
  // What it was read from is used again for what comes next.
  return new FieldLines(scratchCopy(octets, start, at), notable);
}

/** Reads the same lines as pairs, for a side that needs all of them as texts. @throws {HeadError} likewise. */
export function readWirePairs(octets: Uint8Array, { start, end }: HeadRange): Field[] {
  const fields: Field[] = [];
  const text = latin1(octets, start, end);
  for (let at = start; at < end;) {
    if (fields.length === MAX_FIELDS) throw tooMany();
    const line = at;
    const value = wireValue(octets, line);
    at = behindWireLine(octets, line, value, end);
    fields.push([
      text.slice(line - start, value - SEPARATOR.length - start),
      text.slice(value - start, at - LINE_END.length - start),
    ]);
  }
  return fields;
}

/** Stands between name and value. */
const SEPARATOR = ": ";

/** Returns the offset of the value in a line on the wire. */
function wireValue(octets: Uint8Array, line: number): number {
  let at = line;
  // The table is read here and not by isOf, which other callers give the end of their input too: with that V8 takes twice as long.
  while (((OCTETS[octets[at] ?? 0] ?? 0) & LOWER_TOKEN) !== 0) at++;
  if (at === line || octets[at] !== COLON || octets[at + 1] !== SP) throw badLine(octets, line);
  return at + SEPARATOR.length;
}

/** Returns the offset behind such a line, whose value has been found. */
function behindWireLine(octets: Uint8Array, line: number, value: number, end: number): number {
  let at = value;
  while (((OCTETS[octets[at] ?? 0] ?? 0) & TEXT) !== 0) at++;
  const hasBlanks = at > value && (isBlank(octets[value]) || isBlank(octets[at - 1]));
  if (hasBlanks || octets[at] !== CR || octets[at + 1] !== LF || at + 2 > end) {
    throw badLine(octets, line);
  }
  return at + LINE_END.length;
}

/**
 * Reads the field lines in a part of a head of HTTP/1.1 (RFC 9112 section 5), where names may have capital letters and
 * values any blanks around them (section 5.1); neither is kept.
 *
 * What else can be read in one way only is mended, and noted: LF alone at the end of a line, blanks before a colon, and
 * fields whose name is not a token, which are dropped.
 *
 * @throws {HeadError} as {@linkcode readWireFields} does.
 */
export function readMessageFields(
  octets: Uint8Array,
  { start, end }: HeadRange,
  mendings: Mendings,
): FieldLines {
  const notable: NotableLine[] = [];
  const out = scratchRoom(end - start + MAX_FIELDS * LINE_GROWTH);
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
    if (nameLength === 0 || octets[at] !== COLON) {
      const colon = behindBlanks(octets, at);
      if (nameLength === 0 || octets[colon] !== COLON) {
        at = behindOddField(octets, { start: line, end }, mendings);
        to = nameStart;
        continue;
      }
      mendings.note(BLANK_BEFORE_COLON);
      at = colon;
    }
    out[to++] = COLON;
    out[to++] = SP;
    at = behindBlanks(octets, at + 1);
    const value = to;
    for (let octet = octets[at] ?? 0; isOf(octet, TEXT);) {
      out[to++] = octet;
      octet = octets[++at] ?? 0;
    }
    while (to > value && isBlank(out[to - 1])) to--;
    at = behindLineEnd(octets, at, mendings);
    if (at === -1 || at > end) throw badLine(octets, line);
    out[to++] = CR;
    out[to++] = LF;
    const name = notableName(out, nameStart, nameLength);
    if (name === "") continue;
    notable.push({ name, kind: notableKind(name), start: nameStart, value, end: to });
  }
  return new FieldLines(takeScratch(to), notable);
}

/** Octets by which a line of a message becomes longer at most: the blank behind its colon, and CR before LF. */
const LINE_GROWTH = 2;

const BLANK_BEFORE_COLON = "a blank stands before a colon (RFC 9112 section 5.1)";

/** Names that decide where a message ends: what is nearly one of them is not passed over. */
const FRAMING_NAMES: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

/** Octets that no token has, in text. */
const NO_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/g;

function behindBlanks(octets: Uint8Array, start: number): number {
  let at = start;
  while (isBlank(octets[at])) at++;
  return at;
}

/** Returns the offset behind the line end at an offset, or -1 where there is none. */
function behindLineEnd(octets: Uint8Array, at: number, mendings: Mendings): number {
  if (octets[at] === CR && octets[at + 1] === LF) return at + 2;
  if (octets[at] !== LF) return -1;
  mendings.note(LF_ALONE);
  return at + 1;
}

/**
 * Passes over a field whose name is not a token, and returns the offset behind its line.
 *
 * @throws {HeadError} for what may be no field of its own, and for a name that another reader could take for one that
 * frames the message.
 */
function behindOddField(octets: Uint8Array, range: HeadRange, mendings: Mendings): number {
  const { start, end } = range;
  const line = latin1(octets, start, endOf(octets, start, TEXT));
  const name = line.slice(0, Math.max(0, line.indexOf(":")));
  const behind = behindLineEnd(octets, start + line.length, mendings);
  const isFraming = FRAMING_NAMES.has(name.replaceAll(NO_TOKEN, "").toLowerCase());
  const isField = line.includes(":") && !isBlank(octets[start]) && !isFraming;
  if (!isField || behind === -1 || behind > end) throw badLine(octets, start);
  mendings.note(
    `the field ${shown(name)} is dropped: its name is not a token (RFC 9110 section 5.1)`,
  );
  return behind;
}

/** The octets of names, capital letters in lower case; 0 for any other. */
const NAMES: Uint8Array = OCTETS.map((kinds, octet) => {
  if ((kinds & TOKEN) === 0) return 0;
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
});

function tooMany(): HeadError {
  const rule = `a head must have at most ${MAX_FIELDS} fields`;
  return new HeadError(rule, undefined, "TOO_MANY_FIELDS");
}

function badLine(octets: Uint8Array, start: number): HeadError {
  const rule = isBlank(octets[start])
    ? "a field line must not begin with a blank"
    : "a field line must be a name, a colon and a value";
  return new HeadError(rule, lineAt(latin1(octets), start));
}
