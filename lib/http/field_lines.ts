import { type Field, fieldsNamedBy, HOP_BY_HOP, withoutHopByHop } from "./fields.ts";
import { HeadError, lineAt } from "./head_error.ts";
import {
  COLON,
  CR,
  isAll,
  isBlank,
  latin1,
  LF,
  LINE_END,
  LOWER_TOKEN,
  OCTETS,
  SP,
  TEXT,
  TOKEN,
  writeLatin1,
} from "./octets.ts";
import { scratchRoom, takeScratch } from "./scratch.ts";

/** Fields in one head: `Deno.serve` takes 128, origins send fewer by far. */
export const MAX_FIELDS = 256;

/** The line of a field that decides where a message ends, whom it is for, or what is passed on. */
interface NotableLine {
  readonly name: string;
  readonly kind: number;
  /** Offsets in the octets: of the line, of its value, and behind the line's end. */
  readonly start: number;
  readonly value: number;
  readonly end: number;
}

/**
 * The field lines of a head, as octets in the one spelling in which they are written here: a name in lower case, a colon,
 * a blank, the value, CR and LF.
 *
 * Pairs of names and values are made of lines that were read only for a caller that asks. To make pairs, and lines of
 * them again, took a third of the client's own time for a small answer, and it only looks at the notable lines.
 */
export class FieldLines {
  readonly octets: Uint8Array;
  readonly count: number;
  readonly #notable: readonly NotableLine[];
  /** The kinds of notable lines that there are. */
  readonly #kinds: number;
  #list: readonly Field[] | null = null;

  private constructor(octets: Uint8Array, count: number, notable: readonly NotableLine[]) {
    this.octets = octets;
    this.count = count;
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
    const notable: NotableLine[] = [];
    let text = "";
    for (const field of fields) {
      const name = field[0];
      const value = field[1];
      if (!isAll(name, LOWER_TOKEN)) {
        throw new HeadError("a name that is not a token in lower case", name);
      }
      if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))) {
        throw new HeadError("blanks around a value", value);
      }
      const start = text.length;
      text += name + ": " + value + LINE_END;
      const kind = NOTABLE.get(name);
      if (kind !== undefined) {
        notable.push({ name, kind, start, value: start + name.length + 2, end: text.length });
      }
    }
    return new FieldLines(encoded(text, fields.length), fields.length, notable);
  }

  /**
   * Reads the lines between two offsets.
   *
   * On the wire only the spelling above is right. A message of HTTP/1.1 may have capital letters in names and any
   * blanks around values (RFC 9112 section 5.1), which are not kept.
   *
   * @throws {HeadError} for a line that is not a field, and for more than {@linkcode MAX_FIELDS}.
   */
  static read(
    octets: Uint8Array,
    { start, end }: { readonly start: number; readonly end: number },
    form: "wire" | "message",
  ): FieldLines {
    const isStrict = form === "wire";
    const names = isStrict ? LOWER_NAMES : NAMES;
    const notable: NotableLine[] = [];
    // A line of a message has a colon and an end; a blank is added at most.
    const out = scratchRoom(isStrict ? end - start : end - start + MAX_FIELDS);
    let at = start;
    let to = 0;
    let count = 0;
    for (; at < end; count++) {
      if (count === MAX_FIELDS) throw new HeadError("more fields than", MAX_FIELDS);
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
      for (let octet = octets[at] ?? 0; ((OCTETS[octet] ?? 0) & TEXT) !== 0;) {
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
      notable.push({ name, kind: NOTABLE.get(name) ?? 0, start: nameStart, value, end: to });
    }
    return new FieldLines(takeScratch(to), count, notable);
  }

  /** The fields as pairs. */
  get list(): readonly Field[] {
    return this.#list ??= split(latin1(this.octets));
  }

  /** Returns the values of all fields of a notable name as one list, which means the same (RFC 9110 section 5.3); undefined for none. */
  notableValue(name: string): string | undefined {
    let values: string | undefined;
    for (const line of this.#notable) {
      if (line.name !== name) continue;
      const value = latin1(this.octets, line.value, line.end - LINE_END.length);
      values = values === undefined ? value : `${values}, ${value}`;
    }
    return values;
  }

  /** Counts the fields of a notable name. */
  notableCount(name: string): number {
    let count = 0;
    for (const line of this.#notable) if (line.name === name) count++;
    return count;
  }

  /** Returns the lines that are meant for the next recipient too: see {@linkcode withoutHopByHop}. */
  endToEnd(): FieldLines {
    if ((this.#kinds & Kind.HopByHop) === 0) return this;
    const connection = this.notableValue("connection");
    if (connection !== undefined && fieldsNamedBy(connection).size > 0) {
      return FieldLines.of(withoutHopByHop(this.list));
    }
    return this.#replaced(Kind.HopByHop, null);
  }

  /** Returns the lines without any that gives the length of the body. */
  withoutLength(): FieldLines {
    return this.#replaced(Kind.Length, null);
  }

  /** Returns the lines with one length, in bytes, in the place of all that are there. */
  withLength(length: number): FieldLines {
    return this.#replaced(Kind.Length, String(length));
  }

  /** Returns the lines with another host in the place of the one that is there. */
  withHost(host: string): FieldLines {
    return this.#replaced(Kind.Host, host);
  }

  /** Takes the lines of a kind out; the first gets another value instead where that is not null. */
  #replaced(kind: number, value: string | null): FieldLines {
    if ((this.#kinds & kind) === 0) return this;
    const first = this.#notable.find((line) => (line.kind & kind) !== 0);
    if (first === undefined) return this;
    const line = value === null ? null : FieldLines.of([[first.name, value]]);
    const out = scratchRoom(this.octets.length + (line?.octets.length ?? 0));
    const notable: NotableLine[] = [];
    let from = 0;
    let to = 0;
    let count = this.count;
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
      if (each !== first || line === null) {
        count--;
        continue;
      }
      out.set(line.octets, to);
      const end = to + line.octets.length;
      notable.push({ ...each, start: to, value: to + each.value - each.start, end });
      to = end;
    }
    copy(this.octets.length);
    return new FieldLines(takeScratch(to), count, notable);
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

/** What makes a line notable. */
const Kind = { Host: 1, Length: 2, HopByHop: 4 } as const;

const NOTABLE: ReadonlyMap<string, number> = new Map([
  ["host", Kind.Host],
  ["content-length", Kind.Length],
  ...[...HOP_BY_HOP].map((name): [string, number] => [name, Kind.HopByHop]),
]);

/** The notable names of each length: most names have a length that none of these has. */
const NOTABLE_BY_LENGTH: readonly (readonly string[] | undefined)[] = Array.from(
  { length: 32 },
  (_, length) => {
    const names = [...NOTABLE.keys()].filter((name) => name.length === length);
    return names.length === 0 ? undefined : names;
  },
);

/** The octets of names, capital letters in lower case; 0 for any other. */
const NAMES: Uint8Array = OCTETS.map((kinds, octet) => {
  if ((kinds & TOKEN) === 0) return 0;
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
});

/** The same, where only lower case is right. */
const LOWER_NAMES: Uint8Array = OCTETS.map((kinds, octet) =>
  (kinds & LOWER_TOKEN) === 0 ? 0 : octet
);

const encoder = new TextEncoder();

/** Weights whose sum tells how many CR and LF there are, in up to 1023 lines, and whether anything else is wrong. */
const LF_WEIGHT = 1;
const CR_WEIGHT = 1 << 10;
const WRONG_WEIGHT = 1 << 20;

const WEIGHTS: Uint32Array = Uint32Array.from(OCTETS, (kinds, octet) => {
  if (octet === CR) return CR_WEIGHT;
  if (octet === LF) return LF_WEIGHT;
  return (kinds & TEXT) === 0 ? WRONG_WEIGHT : 0;
});

/** Encodes so many lines, and refuses values that would make more of them, or hold what no line may. */
function encoded(text: string, count: number): Uint8Array {
  const out = scratchRoom(text.length);
  const { read, written } = encoder.encodeInto(text, out.subarray(0, text.length));
  const isAscii = read === text.length && written === text.length;
  // UTF-8 has more than one octet for what is not ASCII.
  if (!isAscii && !writeLatin1(text, out, 0)) {
    throw new HeadError("a character that is not one octet", text);
  }
  let weight = 0;
  for (let at = 0; at < text.length; at++) weight += WEIGHTS[out[at] ?? 0] ?? 0;
  if (weight !== count * (CR_WEIGHT + LF_WEIGHT)) {
    throw new HeadError("a line that holds what none may", text);
  }
  return takeScratch(text.length);
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

/** Returns the notable name that the octets spell, or an empty text. */
function notableName(octets: Uint8Array, start: number, length: number): string {
  const names = NOTABLE_BY_LENGTH[length];
  if (names === undefined) return "";
  for (const name of names) {
    let i = 0;
    while (i < length && octets[start + i] === name.charCodeAt(i)) i++;
    if (i === length) return name;
  }
  return "";
}

function badLine(octets: Uint8Array, start: number): HeadError {
  return new HeadError("a bad field line", lineAt(latin1(octets), start));
}
