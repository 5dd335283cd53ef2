import { FieldLines, scratchRoom, takeScratch } from "./field_lines.ts";
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
 * Reads the field lines in a part of a head (RFC 9112 section 5).
 *
 * On the wire the only right spelling is that of {@linkcode FieldLines}. A message of HTTP/1.1 may have capital letters in
 * names and any blanks around values (RFC 9112 section 5.1); neither is kept.
 *
 * @throws {HeadError} for a line that is not a field, and for more than {@linkcode MAX_FIELDS}.
 */
export function readFieldLines(
  octets: Uint8Array,
  { start, end }: HeadRange,
  form: "wire" | "message",
): FieldLines {
  const isStrict = form === "wire";
  const names = isStrict ? LOWER_NAMES : NAMES;
  const notable: NotableLine[] = [];
  // A line of a message becomes longer by the blank behind its colon, and by nothing else.
  const out = scratchRoom(isStrict ? end - start : end - start + MAX_FIELDS);
  let at = start;
  let to = 0;
  let count = 0;
  for (; at < end; count++) {
    if (count === MAX_FIELDS) throw new HeadError(`a head must have at most ${MAX_FIELDS} fields`);
    const lineStart = at;
    const nameStart = to;
    for (let letter = names[octets[at] ?? 0] ?? 0; letter !== 0;) {
      out[to++] = letter;
      letter = names[octets[++at] ?? 0] ?? 0;
    }
    const nameLength = to - nameStart;
    const isField = nameLength > 0 && octets[at] === COLON &&
      (!isStrict || octets[at + 1] === SP);
    if (!isField) throw badLine(octets, lineStart);
    at += isStrict ? 2 : 1;
    out[to++] = COLON;
    out[to++] = SP;
    if (!isStrict) { while (isBlank(octets[at])) at++; }
    const value = to;
    for (let octet = octets[at] ?? 0; isOf(octet, TEXT);) {
      out[to++] = octet;
      octet = octets[++at] ?? 0;
    }
    if (to > value && (isBlank(out[value]) || isBlank(out[to - 1]))) {
      if (isStrict) throw badLine(octets, lineStart);
      while (to > value && isBlank(out[to - 1])) to--;
    }
    if (octets[at] !== CR || octets[at + 1] !== LF || at + 2 > end) {
      throw badLine(octets, lineStart);
    }
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

/** The same, where only lower case is right. */
const LOWER_NAMES: Uint8Array = OCTETS.map((kinds, octet) =>
  (kinds & LOWER_TOKEN) === 0 ? 0 : octet
);

function badLine(octets: Uint8Array, start: number): HeadError {
  return new HeadError(
    "a field line must be a name, a colon and a value",
    lineAt(latin1(octets), start),
  );
}
