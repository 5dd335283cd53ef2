import type { Field } from "./fields.ts";
import { readMessageFields } from "./field_reader.ts";
import { HeadError } from "./head_error.ts";
import { LF_ALONE, Mendings, NOTHING_MENDED } from "./mendings.ts";
import { COLON, CR, hexValue, isBlank, isOf, LF, SEMICOLON, TEXT, TOKEN } from "./octets.ts";
import { OriginError } from "./origin_error.ts";
import { allowedTrailers, MAX_TRAILERS } from "./trailers.ts";

/** How a body ends: after so many bytes, with its last chunk, or with the connection. */
export type ResponseFraming = number | "chunked" | "close";

/** Bounds the digits of a chunk's size; more than these would not fit a safe integer anyway. */
const MAX_SIZE_DIGITS = 16;
/** Bounds a chunk's extension, or the blanks in its place, in bytes: some origins pad sizes to a width of theirs. */
const MAX_EXTENSION = 1024;

/** Where the decoder stands; the chunked ones follow the grammar of RFC 9112 section 7.1. */
const enum State {
  Length,
  Close,
  Size,
  BlankBehindSize,
  Extension,
  SizeLF,
  ChunkData,
  DataCR,
  DataLF,
  // From here on the last chunk has come.
  TrailerStart,
  TrailerName,
  TrailerValue,
  TrailerLF,
  LastLF,
  Done,
}

/**
 * Finds the data in the bytes of one response body, without copying where it lies in one piece.
 *
 * Of chunks is mended what can be read in one way only: blanks behind a size, LF alone at the end of a line, a trailer
 * whose name is not a token, and the end of the connection behind the last chunk. LF alone behind an extension is
 * refused, for some recipients take it for a part of the extension.
 *
 * The result of {@linkcode decode} is in `from` and `to`: fields instead of an object for each read.
 */
export class BodyDecoder {
  /** Where the data of the last {@linkcode decode} begins, and ends, in its buffer. */
  from = 0;
  to = 0;
  /** The fields behind a body that is done; null for none. */
  trailers: readonly Field[] | null = null;
  #state: State;
  /** Bytes to come of the body, or of the chunk. */
  #remaining = 0;
  #digits = 0;
  /** Bytes of the present extension, or of the trailer section. */
  #overhead = 0;
  /** Octets of the trailer section, in lines that end with CR and LF; made when there is one. */
  #section: number[] | null = null;
  /** Made when there is something to note. */
  #mendings: Mendings | null = null;

  constructor(framing: ResponseFraming) {
    if (framing === "chunked") this.#state = State.Size;
    else if (framing === "close") this.#state = State.Close;
    else {
      this.#remaining = framing;
      this.#state = framing === 0 ? State.Done : State.Length;
    }
  }

  get done(): boolean {
    return this.#state === State.Done;
  }

  /** Takes what was mended so far. */
  takeMended(): readonly string[] {
    return this.#mendings === null ? NOTHING_MENDED : this.#mendings.take();
  }

  /**
   * Takes the end of the connection, and tells whether the body is whole: it ends in this way, or its last chunk has
   * come (RFC 9112 section 8).
   */
  endConnection(): boolean {
    if (this.#state === State.Close || this.#state === State.Done) return true;
    if (this.#state < State.TrailerStart) return false;
    this.#note("the connection ends behind the last chunk (RFC 9112 section 7.1)");
    this.#state = State.Done;
    return true;
  }

  /**
   * Takes the bytes from `start` to `end` and returns how far the body reaches: `end`, unless it is done
   * before. Data of several chunks is moved together, over what stood between.
   *
   * @throws {OriginError} `malformed`
   */
  decode(buffer: Uint8Array, start: number, end: number): number {
    this.from = this.to = start;
    if (this.#state === State.Close) return this.to = end;
    if (this.#state === State.Length) return this.#takeData(buffer, start, end, State.Done);
    let at = start;
    while (at < end && this.#state !== State.Done) {
      if (this.#state === State.ChunkData) at = this.#takeData(buffer, at, end, State.DataCR);
      else this.#takeOctet(buffer[at++] ?? 0);
    }
    return at;
  }

  #takeData(buffer: Uint8Array, at: number, end: number, next: State): number {
    const size = Math.min(this.#remaining, end - at);
    if (this.to === this.from) this.from = this.to = at;
    else buffer.copyWithin(this.to, at, at + size);
    this.to += size;
    this.#remaining -= size;
    if (this.#remaining === 0) this.#state = next;
    return at + size;
  }

  /** Takes one octet of what surrounds the data. */
  #takeOctet(octet: number): void {
    switch (this.#state) {
      case State.Size:
        return this.#takeSize(octet);
      case State.BlankBehindSize:
        return this.#takeBlank(octet);
      case State.Extension:
        this.#countOverhead(MAX_EXTENSION);
        if (octet === CR) this.#state = State.SizeLF;
        else if (!isOf(octet, TEXT)) throw unexpected(octet, "in a chunk's extension");
        return;
      case State.SizeLF:
        expect(octet, LF);
        this.#overhead = this.#digits = 0;
        this.#state = this.#remaining === 0 ? State.TrailerStart : State.ChunkData;
        return;
      case State.DataCR:
        if (!this.#takesLineEnd(octet, State.DataLF)) {
          throw unexpected(octet, "behind a chunk's data");
        }
        return;
      case State.DataLF:
        expect(octet, LF);
        this.#state = State.Size;
        return;
      default:
        this.#takeTrailer(octet);
    }
  }

  #takeSize(octet: number): void {
    const digit = hexValue(octet);
    if (digit !== -1) {
      this.#remaining = this.#remaining * 16 + digit;
      if (++this.#digits > MAX_SIZE_DIGITS || !Number.isSafeInteger(this.#remaining)) {
        throw malformed("a chunk's size is too large");
      }
      return;
    }
    if (this.#digits === 0) throw unexpected(octet, "instead of a chunk's size");
    if (this.#takesLineEnd(octet, State.SizeLF)) return;
    if (octet === SEMICOLON) this.#state = State.Extension;
    else if (isBlank(octet)) this.#state = State.BlankBehindSize;
    else throw unexpected(octet, "in a chunk's size");
  }

  #takeBlank(octet: number): void {
    this.#countOverhead(MAX_EXTENSION);
    if (isBlank(octet)) return;
    if (octet === SEMICOLON) this.#state = State.Extension;
    else if (this.#takesLineEnd(octet, State.SizeLF)) this.#note(BLANKS);
    else throw unexpected(octet, "behind a chunk's size");
  }

  #takeTrailer(octet: number): void {
    this.#countOverhead(MAX_TRAILERS);
    switch (this.#state) {
      case State.TrailerStart:
        if (!this.#takesLineEnd(octet, State.LastLF)) this.#beginTrailer(octet);
        return;
      case State.TrailerName:
        this.#keep(octet);
        if (octet === COLON) this.#state = State.TrailerValue;
        else if (!isOf(octet, TEXT)) throw unexpected(octet, "in a trailer's name");
        else if (!isOf(octet, TOKEN)) this.#note(ODD_TRAILER);
        return;
      case State.TrailerValue:
        if (this.#takesLineEnd(octet, State.TrailerLF)) return;
        if (!isOf(octet, TEXT)) throw unexpected(octet, "in a trailer");
        this.#keep(octet);
        return;
      case State.TrailerLF:
        expect(octet, LF);
        this.#keep(CR);
        this.#keep(LF);
        this.#state = State.TrailerStart;
        return;
      default:
        expect(octet, LF);
        this.#state = State.Done;
        if (this.#section !== null) this.trailers = readTrailers(Uint8Array.from(this.#section));
    }
  }

  #keep(octet: number): void {
    this.#section ??= [];
    this.#section.push(octet);
  }

  #beginTrailer(octet: number): void {
    if (isBlank(octet) || !isOf(octet, TEXT)) throw unexpected(octet, "instead of a trailer");
    this.#keep(octet);
    this.#state = octet === COLON ? State.TrailerValue : State.TrailerName;
    if (!isOf(octet, TOKEN)) this.#note(ODD_TRAILER);
  }

  /** Takes CR, or LF alone as if CR stood before it; tells whether it was either. */
  #takesLineEnd(octet: number, behindCR: State): boolean {
    if (octet !== CR && octet !== LF) return false;
    this.#state = behindCR;
    if (octet === LF) {
      this.#note(LF_ALONE);
      this.#takeOctet(LF);
    }
    return true;
  }

  #note(what: string): void {
    this.#mendings ??= new Mendings();
    this.#mendings.note(what);
  }

  #countOverhead(limit: number): void {
    if (++this.#overhead > limit) throw malformed(`more than ${limit} bytes surround the data`);
  }
}

/** Returns the fields that may be passed on; null where there are none, or where the section is none of fields. */
function readTrailers(octets: Uint8Array): readonly Field[] | null {
  try {
    // Odd names were noted as they came.
    const lines = readMessageFields(octets, { start: 0, end: octets.length }, new Mendings());
    const trailers = allowedTrailers(lines.list);
    return trailers.length === 0 ? null : trailers;
  } catch (error) {
    if (!(error instanceof HeadError)) throw error;
    return null;
  }
}

const BLANKS = "blanks stand behind a chunk's size (RFC 9112 section 7.1)";
const ODD_TRAILER = "a trailer's name is not a token (RFC 9110 section 5.1)";

function expect(octet: number, wanted: number): void {
  if (octet !== wanted) throw unexpected(octet, `instead of ${nameOf(wanted)}`);
}

function unexpected(octet: number, where: string): OriginError {
  return malformed(`${nameOf(octet)} ${where}`);
}

function nameOf(octet: number): string {
  return `octet 0x${octet.toString(16).padStart(2, "0")}`;
}

function malformed(what: string): OriginError {
  return new OriginError("malformed", `the origin's chunked body is malformed: ${what}`);
}
