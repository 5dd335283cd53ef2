import { Buffer } from "node:buffer";
import { COLON, CR, isBlank, LF, LOWER_TOKEN, OCTETS, SP, TARGET, TEXT, TOKEN } from "./octets.ts";
import type { Field } from "./fields.ts";

/** What opens an exchange: the start line of a request and its fields, in order. Each character is one octet. */
export interface RequestHead {
  /** A token, case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** The request target in origin-form or asterisk-form, as the visitor sent it (RFC 9112 section 3.2). */
  readonly target: string;
  readonly fields: readonly Field[];
}

/** What answers it: the status and the fields, in order. */
export interface ResponseHead {
  /** 200 to 599, or 101 for an accepted WebSocket. */
  readonly status: number;
  readonly fields: readonly Field[];
}

/** Fields in one head: `Deno.serve` takes 128, origins send fewer by far. */
export const MAX_FIELDS = 256;

/** Characters of a faulty text that a message shows. */
const MAX_SHOWN = 64;

/** Says which rule a head breaks (RFC 9110 section 5, RFC 9112 sections 3 to 5). */
export class HeadError extends Error {
  override readonly name = "HeadError";
  readonly code = "MALFORMED_HEAD";

  constructor(what: string, seen: string | number) {
    super(`${what}: ${JSON.stringify(cut(String(seen)))}`);
  }
}

/** What stands between method, target and the fields. */
const VERSION = " HTTP/1.1\r\n";

/** Returns the bytes that a request line and field lines take: one for each character and what stands between. */
export function requestLength({ method, target, fields }: RequestHead): number {
  return method.length + 1 + target.length + VERSION.length + fieldsLength(fields);
}

/** Returns the bytes that field lines take. */
export function fieldsLength(fields: readonly Field[]): number {
  let length = 0;
  for (const field of fields) length += field[0].length + field[1].length + AROUND_FIELD;
  return length;
}

/** A colon, a blank, and CR LF. */
const AROUND_FIELD = 4;

/**
 * Writes a request line (RFC 9112 section 3) and returns the offset behind it.
 *
 * @throws {HeadError} when method or target could end the line or be read as something else.
 */
export function writeRequestLine(
  { method, target }: Pick<RequestHead, "method" | "target">,
  out: Uint8Array,
  offset: number,
): number {
  if (method === "") throw new HeadError("an empty method", method);
  if (!isTarget(target)) throw new HeadError("a target that is neither a path nor *", target);
  let at = writeText(method, TOKEN, out, offset);
  out[at++] = SP;
  at = writeText(target, TARGET, out, at);
  for (let i = 0; i < VERSION.length; i++) out[at + i] = VERSION.charCodeAt(i);
  return at + VERSION.length;
}

/**
 * Writes field lines (RFC 9112 section 5) and returns the offset behind the last.
 *
 * @throws {HeadError} for a name that is not a token in lower case, and for a value that could end its line.
 */
export function writeFields(fields: readonly Field[], out: Uint8Array, offset: number): number {
  let at = offset;
  for (const field of fields) at = writeField(field, out, at);
  return at;
}

/** Writes one field line likewise. */
export function writeField(field: Field, out: Uint8Array, offset: number): number {
  const name = field[0];
  const value = field[1];
  if (name === "") throw new HeadError("a field without a name, its value is", value);
  let at = writeText(name, LOWER_TOKEN, out, offset);
  out[at++] = COLON;
  out[at++] = SP;
  const end = writeText(value, TEXT, out, at);
  if (end > at && (isBlank(out[at]) || isBlank(out[end - 1]))) {
    throw new HeadError("blanks around a value", value);
  }
  out[end] = CR;
  out[end + 1] = LF;
  return end + 2;
}

/** Writes characters that are all of one kind, a bit of the table of octets; {@linkcode HeadError} for any other. */
function writeText(text: string, kind: number, out: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (((OCTETS[code] ?? 0) & kind) === 0) {
      throw new HeadError("a character that may not stand there", text);
    }
    out[offset + i] = code;
  }
  return offset + text.length;
}

/**
 * Reads a request line that ends with CR LF, the only spelling that is written here.
 *
 * @returns what it says, and the offset behind it.
 * @throws {HeadError} for anything else.
 */
export function readRequestLine(
  octets: Uint8Array,
  text: string,
): { readonly method: string; readonly target: string; readonly end: number } {
  const methodEnd = endOf(octets, 0, TOKEN);
  const targetEnd = endOf(octets, methodEnd + 1, TARGET);
  const end = targetEnd + VERSION.length;
  const target = text.slice(methodEnd + 1, targetEnd);
  const isLine = methodEnd > 0 && octets[methodEnd] === SP && text.startsWith(VERSION, targetEnd);
  if (!isLine || !isTarget(target)) throw new HeadError("a bad request line", lineAt(text, 0));
  return { method: text.slice(0, methodEnd), target, end };
}

/**
 * Reads the field lines between two offsets; `text` has the same octets as characters.
 *
 * On the wire only the spelling that {@linkcode writeFields} has is right. A message of HTTP/1.1 may have capital
 * letters in names and any blanks around values (RFC 9112 section 5.1), which are not kept.
 *
 * @throws {HeadError} for a line that is not a field, and for more than {@linkcode MAX_FIELDS}.
 */
export function readFields(
  octets: Uint8Array,
  text: string,
  range: { readonly start: number; readonly end: number },
  form: "wire" | "message",
): Field[] {
  const isStrict = form === "wire";
  const fields: Field[] = [];
  for (let at = range.start; at < range.end;) {
    if (fields.length === MAX_FIELDS) throw new HeadError("more fields than", MAX_FIELDS);
    const colon = endOf(octets, at, TOKEN);
    let from = colon + 1;
    if (isStrict && octets[from] === SP) from++;
    const lineEnd = endOf(octets, from, TEXT);
    let to = lineEnd;
    if (!isStrict) {
      while (from < to && isBlank(octets[from])) from++;
      while (from < to && isBlank(octets[to - 1])) to--;
    }
    const isLine = colon > at && octets[colon] === COLON && octets[lineEnd] === CR &&
      octets[lineEnd + 1] === LF && lineEnd + 2 <= range.end;
    if (!isLine) throw new HeadError("a bad field line", lineAt(text, at));
    if (isStrict) checkSpelling(octets, text, at, colon, to);
    const name = text.slice(at, colon);
    fields.push([isStrict ? name : name.toLowerCase(), text.slice(from, to)]);
    at = lineEnd + 2;
  }
  return fields;
}

/** Returns the number that three digits at an offset make, NaN where there are others. */
export function statusAt(text: string, offset: number): number {
  const digits = text.slice(offset, offset + 3);
  return /^[0-9]{3}$/.test(digits) ? Number(digits) : NaN;
}

/** Returns the octets as characters, one for one. */
export function latin1(octets: Uint8Array, start = 0, end = octets.length): string {
  // Deno's TextDecoder has no Latin-1, and is slower for what is not all ASCII.
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString(
    "latin1",
    start,
    end,
  );
}

/** Tells whether a text is a path or `*`, the targets that an origin is asked for (RFC 9112 section 3.2). */
function isTarget(text: string): boolean {
  return text.charCodeAt(0) === SLASH || text === "*";
}

const SLASH = 0x2f;

/** Checks what only the wire demands: a name in lower case, one blank behind the colon and none at the end. */
function checkSpelling(
  octets: Uint8Array,
  text: string,
  start: number,
  colon: number,
  end: number,
): void {
  const isLower = endOf(octets, start, LOWER_TOKEN) === colon;
  const from = colon + 2;
  const isPlain = octets[colon + 1] === SP &&
    (from === end || (from < end && !isBlank(octets[from]) && !isBlank(octets[end - 1])));
  if (!isLower || !isPlain) {
    throw new HeadError("a field that is not spelled as on the wire", lineAt(text, start));
  }
}

/** Returns the offset of the first octet that is not of this kind. */
function endOf(octets: Uint8Array, start: number, kind: number): number {
  let at = start;
  while (((OCTETS[octets[at] ?? 0] ?? 0) & kind) !== 0) at++;
  return at;
}

function lineAt(text: string, start: number): string {
  const end = text.indexOf("\n", start);
  return cut(text.slice(start, end === -1 ? start + MAX_SHOWN + 1 : end + 1));
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
