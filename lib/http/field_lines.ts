import { type Field, fieldsNamedBy, withoutHopByHop } from "./fields.ts";
import { HeadError } from "./head_error.ts";
import { NotableKind, notableKind, type NotableLine } from "./notable_line.ts";
import {
  CR,
  isAll,
  isBlank,
  latin1,
  LF,
  LINE_END,
  LOWER_TOKEN,
  OCTETS,
  TEXT,
  writeLatin1,
} from "./octets.ts";

/**
 * The field lines of a head, as octets in one spelling: a name in lower case, a colon, a blank, the value, CR and LF.
 *
 * Pairs of names and values are made only for a caller that asks. The client looks at the notable lines alone; to make
 * pairs, and lines of them again, took a third of its own time for a small answer.
 */
export class FieldLines {
  readonly octets: Uint8Array;
  readonly #notable: readonly NotableLine[];
  /** The kinds of all notable lines. */
  readonly #kinds: number;
  #list: readonly Field[] | null = null;

  /** Takes octets that are lines in that spelling, and the notable ones among them in order. */
  constructor(octets: Uint8Array, notable: readonly NotableLine[]) {
    this.octets = octets;
    this.#notable = notable;
    let kinds = 0;
    for (const line of notable) kinds |= line.kind;
    this.#kinds = kinds;
  }

  /**
   * Writes fields as lines (RFC 9112 section 5).
   *
   * @throws {HeadError} for a name that is not a token in lower case, for a value that could end its line, and for one
   * with blanks around it.
   */
  static of(fields: readonly Field[]): FieldLines {
    const text = linesText(fields);
    const out = scratchRoom(text.length);
    writeLines(text, fields.length, out, 0);
    const notable: NotableLine[] = [];
    let end = 0;
    for (const [name, { length }] of fields) {
      const start = end;
      const value = start + name.length + 2;
      end = value + length + LINE_END.length;
      const kind = notableKind(name);
      if (kind !== 0) notable.push({ name, kind, start, value, end });
    }
    return new FieldLines(takeScratch(text.length), notable);
  }

  /** The fields as pairs. */
  get list(): readonly Field[] {
    return this.#list ??= split(latin1(this.octets));
  }

  /**
   * Returns the value of a notable field, undefined when there is none; several are joined by commas, which means the
   * same (RFC 9110 section 5.3).
   */
  notableValue(name: string): string | undefined {
    let values: string | undefined;
    for (const line of this.#notable) {
      if (line.name !== name) continue;
      const value = latin1(this.octets, line.value, line.end - LINE_END.length);
      values = values === undefined ? value : `${values}, ${value}`;
    }
    return values;
  }

  /** Tells whether there are fields of a kind, a bit of {@linkcode NotableKind}. */
  has(kind: number): boolean {
    return (this.#kinds & kind) !== 0;
  }

  /** Counts the fields of a notable name. */
  notableCount(name: string): number {
    let count = 0;
    for (const line of this.#notable) if (line.name === name) count++;
    return count;
  }

  /** Returns the lines without those that {@linkcode withoutHopByHop} drops. */
  endToEnd(): FieldLines {
    if (!this.has(NotableKind.HopByHop)) return this;
    const connection = this.notableValue("connection");
    if (connection !== undefined && fieldsNamedBy(connection).size > 0) {
      return FieldLines.of(withoutHopByHop(this.list));
    }
    return this.#replaced(NotableKind.HopByHop, null);
  }

  /** Returns the lines without Content-Length. */
  withoutLength(): FieldLines {
    return this.#replaced(NotableKind.Length, null);
  }

  /** Returns the lines with one Content-Length, in bytes, in the place of those that are there. */
  withLength(length: number): FieldLines {
    return this.#replaced(NotableKind.Length, String(length));
  }

  /** Returns the lines with another Host in the place of the one that is there. */
  withHost(host: string): FieldLines {
    return this.#replaced(NotableKind.Host, host);
  }

  /** Returns the lines without those of a kind, or with one in place of them that has another value. */
  #replaced(kind: number, value: string | null): FieldLines {
    if (!this.has(kind)) return this;
    const first = this.#notable.find((line) => (line.kind & kind) !== 0);
    if (first === undefined) return this;
    const line = value === null ? null : FieldLines.of([[first.name, value]]);
    const out = scratchRoom(this.octets.length + (line?.octets.length ?? 0));
    const notable: NotableLine[] = [];
    let from = 0;
    let to = 0;
    const copy = (end: number): void => {
      out.set(this.octets.subarray(from, end), to);
      to += end - from;
      from = end;
    };
    for (const each of this.#notable) {
      copy(each.start);
      const shift = to - each.start;
      if ((each.kind & kind) === 0) {
        const { start, value, end } = each;
        notable.push({ ...each, start: start + shift, value: value + shift, end: end + shift });
        continue;
      }
      from = each.end;
      if (each !== first || line === null) continue;
      out.set(line.octets, to);
      const end = to + line.octets.length;
      notable.push({ ...each, start: to, value: to + each.value - each.start, end });
      to = end;
    }
    copy(this.octets.length);
    return new FieldLines(takeScratch(to), notable);
  }
}

/** Returns the bytes that fields take as lines. */
export function fieldsLength(fields: readonly Field[]): number {
  let length = 0;
  for (const field of fields) length += field[0].length + field[1].length + AROUND_FIELD;
  return length;
}

/** A colon, a blank, CR and LF. */
const AROUND_FIELD = 4;

const encoder = new TextEncoder();

/** Weights whose sum tells how many CR and LF there are, up to 1023 of each, and whether anything else is wrong. */
const LF_WEIGHT = 1;
const CR_WEIGHT = 1 << 10;
const WRONG_WEIGHT = 1 << 20;

const WEIGHTS: Uint32Array = Uint32Array.from(OCTETS, (kinds, octet) => {
  if (octet === CR) return CR_WEIGHT;
  if (octet === LF) return LF_WEIGHT;
  return (kinds & TEXT) === 0 ? WRONG_WEIGHT : 0;
});

/**
 * Makes the text of field lines, for {@linkcode writeLines}, which checks the values.
 *
 * @throws {HeadError} for a name that is not a token in lower case, and for a value with blanks around it.
 */
export function linesText(fields: readonly Field[]): string {
  let text = "";
  for (const field of fields) {
    const name = field[0];
    const value = field[1];
    if (!isAll(name, LOWER_TOKEN)) {
      throw new HeadError("a field name must be a token in lower case", name);
    }
    if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))) {
      throw new HeadError("a field value must have no blanks around it", value);
    }
    text += name + ": " + value + LINE_END;
  }
  return text;
}

/**
 * Writes a text of so many lines, an octet for each character, into room of its length.
 *
 * @throws {HeadError} when there are more lines in it, or what no line may have; some of it may be written then.
 */
export function writeLines(text: string, count: number, out: Uint8Array, offset: number): void {
  const end = offset + text.length;
  const { read, written } = encoder.encodeInto(text, out.subarray(offset, end));
  const isAscii = read === text.length && written === text.length;
  // UTF-8 has more than one octet for a character beyond ASCII.
  if (!isAscii && !writeLatin1(text, out, offset)) {
    throw new HeadError("each character must be one octet", text);
  }
  let weight = 0;
  for (let at = offset; at < end; at++) weight += WEIGHTS[out[at] ?? 0] ?? 0;
  if (weight !== count * (CR_WEIGHT + LF_WEIGHT)) {
    throw new HeadError("a field value must have no line end and no control character", text);
  }
}

function split(text: string): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\r", colon);
    fields.push([text.slice(at, colon), text.slice(colon + 2, end)]);
    at = end + LINE_END.length;
  }
  return fields;
}

/** Bytes of the memory that field lines share: room for a hundred heads. */
const PIECE = 64 * 1024;

let piece = new Uint8Array(PIECE);

/**
 * Returns room for so many bytes at least; the caller writes from its start, before the next call.
 *
 * A small array of its own would have memory outside V8's heap, which costs more to make and to collect than to fill.
 */
export function scratchRoom(bytes: number): Uint8Array {
  if (piece.length < bytes) piece = new Uint8Array(Math.max(PIECE, bytes));
  return piece;
}

/** Returns the bytes that were written there, which stay as they are; all of the memory lives as long as one of its parts. */
export function takeScratch(length: number): Uint8Array {
  const bytes = piece.subarray(0, length);
  piece = piece.subarray(length);
  return bytes;
}

/** Returns a copy of octets, made there. */
export function scratchCopy(octets: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  scratchRoom(length).set(octets.subarray(start, end));
  return takeScratch(length);
}
