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
import type { Field } from "../http/fields.ts";
import { slabRoom, takeFromSlab } from "./slab.ts";

const FIRST_VISIBLE = 0x20;
const LAST_VISIBLE = 0x7e;

/** Bytes of a head beside its texts, and of a field beside its name and value; both are bounds. */
const BYTES_PER_HEAD = 64;
const BYTES_PER_FIELD = 8;

/** An escape takes two bytes. */
const BYTES_PER_CHARACTER = 2;

/** Stands for the place in a head that cannot be written here. */
const NOWHERE = -1;

/**
 * Writes the JSON of a request head straight into bytes; undefined for one that is not all visible ASCII, or too long.
 */
export function writeRequestHead({ method, target, fields }: RequestHead): Uint8Array | undefined {
  const characters = method.length + target.length + charactersOf(fields);
  const writer = HeadWriter.begin(characters, fields.length);
  if (writer === undefined) return undefined;
  writer.putRequest(method, target);
  for (const field of fields) writer.putField(field[0], field[1]);
  return writer.end();
}

/** Writes the JSON of a response head likewise; the status is a whole number. */
export function writeResponseHead({ status, fields }: ResponseHead): Uint8Array | undefined {
  const number = String(status);
  const writer = HeadWriter.begin(number.length + charactersOf(fields), fields.length);
  if (writer === undefined) return undefined;
  writer.putResponse(number);
  for (const field of fields) writer.putField(field[0], field[1]);
  return writer.end();
}

/**
 * Writes a head piece by piece, one head at a time. `JSON.stringify` and the encoding of its text take half as long
 * again, since the texts of a request were just made and are read for the first time here.
 */
export class HeadWriter {
  /** The only one: V8 throws away what it has compiled for a shape with the last object that has it. */
  static readonly #writer = new HeadWriter();
  #out: Uint8Array = new Uint8Array(0);
  #at = 0;

  private constructor() {}

  /**
   * Begins a head whose texts have so many characters in so many fields, and `written` bytes beside them.
   *
   * @returns undefined for more than a slab has room for.
   */
  static begin(characters: number, fields: number, written = 0): HeadWriter | undefined {
    const bytes = characters * BYTES_PER_CHARACTER + fields * BYTES_PER_FIELD + BYTES_PER_HEAD;
    const out = slabRoom(bytes + written);
    if (out === null) return undefined;
    const writer = HeadWriter.#writer;
    writer.#out = out;
    writer.#at = 0;
    return writer;
  }

  /** Writes what stands before a request's fields. */
  putRequest(method: string, target: string): void {
    this.#putSpelling(REQUEST_START);
    this.#putText(method);
    this.#putSpelling(REQUEST_TARGET);
    this.#putText(target);
    this.#putSpelling(REQUEST_FIELDS);
  }

  /** Writes what stands before a response's fields. */
  putResponse(status: string): void {
    this.#putSpelling(RESPONSE_START);
    this.#putSpelling(status);
    this.#putSpelling(RESPONSE_FIELDS);
  }

  putField(name: string, value: string): void {
    this.#putComma();
    this.#putByte(OPENING);
    this.#putByte(QUOTE);
    this.#putText(name);
    this.#putByte(QUOTE);
    this.#putByte(COMMA);
    this.#putByte(QUOTE);
    this.#putText(value);
    this.#putByte(QUOTE);
    this.#putByte(CLOSING);
  }

  /** Puts fields that are written already: pairs with commas between. */
  putFields(written: Uint8Array): void {
    this.#putComma();
    if (this.#at === NOWHERE) return;
    this.#out.set(written, this.#at);
    this.#at += written.length;
  }

  /** Returns the bytes of the head, taken from a slab; undefined when they are not all visible ASCII. */
  end(): Uint8Array | undefined {
    this.#putByte(CLOSING);
    this.#putByte(END);
    return this.#at === NOWHERE ? undefined : takeFromSlab(this.#at);
  }

  #putComma(): void {
    if (this.#at !== NOWHERE && this.#out[this.#at - 1] !== OPENING) this.#putByte(COMMA);
  }

  #putByte(byte: number): void {
    if (this.#at !== NOWHERE) this.#out[this.#at++] = byte;
  }

  /** Writes what stands between two quotes. */
  #putText(text: string): void {
    if (this.#at === NOWHERE) return;
    const out = this.#out;
    let at = this.#at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < FIRST_VISIBLE || code > LAST_VISIBLE) {
        this.#at = NOWHERE;
        return;
      }
      if (code === QUOTE || code === BACKSLASH) out[at++] = BACKSLASH;
      out[at++] = code;
    }
    this.#at = at;
  }

  /** Writes what stands around texts. */
  #putSpelling(text: string): void {
    if (this.#at === NOWHERE) return;
    const at = this.#at;
    for (let i = 0; i < text.length; i++) this.#out[at + i] = text.charCodeAt(i);
    this.#at = at + text.length;
  }
}

/** Counts the characters of names and values. */
export function charactersOf(fields: readonly Field[]): number {
  let sum = 0;
  for (const field of fields) sum += field[0].length + field[1].length;
  return sum;
}
