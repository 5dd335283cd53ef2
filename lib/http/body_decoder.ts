import { COLON, CR, hexValue, isBlank, isOf, LF, SEMICOLON, TEXT, TOKEN } from "./octets.ts";
import { OriginError } from "./origin_error.ts";

/** How a body ends: after so many bytes, with its last chunk, or with the connection. */
export type ResponseFraming = number | "chunked" | "close";

/** Bounds the digits of a chunk's size; more than these would not fit a safe integer anyway. */
const MAX_SIZE_DIGITS = 16;
/** Bounds a chunk's extension, in bytes: no origin is known to send any. */
const MAX_EXTENSION = 1024;
/** Bounds a trailer section in bytes; it is read and dropped. */
const MAX_TRAILERS = 16 * 1024;

/** Where the decoder stands; the chunked ones follow the grammar of RFC 9112 section 7.1. */
const enum State {
  Length,
  Close,
  Size,
  BlankBeforeExtension,
  Extension,
  SizeLF,
  ChunkData,
  DataCR,
  DataLF,
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
 * The result of {@linkcode decode} is in `from` and `to`: fields instead of an object for each read.
 */
export class BodyDecoder {
  /** Where the data of the last {@linkcode decode} begins, and ends, in its buffer. */
  from = 0;
  to = 0;
  #state: State;
  /** Bytes to come of the body, or of the chunk. */
  #remaining = 0;
  #digits = 0;
  /** Bytes of the present extension, or of the trailer section. */
  #overhead = 0;

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

  /** Tells whether the end of the connection is the end of the body. */
  get endsWithConnection(): boolean {
    return this.#state === State.Close;
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
      case State.BlankBeforeExtension:
        this.#countOverhead(MAX_EXTENSION);
        if (octet === SEMICOLON) this.#state = State.Extension;
        else if (!isBlank(octet)) throw unexpected(octet, "behind a chunk's size");
        return;
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
        expect(octet, CR);
        this.#state = State.DataLF;
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
    if (octet === CR) this.#state = State.SizeLF;
    else if (octet === SEMICOLON) this.#state = State.Extension;
    else if (isBlank(octet)) this.#state = State.BlankBeforeExtension;
    else throw unexpected(octet, "in a chunk's size");
  }

  #takeTrailer(octet: number): void {
    this.#countOverhead(MAX_TRAILERS);
    switch (this.#state) {
      case State.TrailerStart:
        if (octet === CR) this.#state = State.LastLF;
        else if (isOf(octet, TOKEN)) this.#state = State.TrailerName;
        else throw unexpected(octet, "instead of a trailer");
        return;
      case State.TrailerName:
        if (octet === COLON) this.#state = State.TrailerValue;
        else if (!isOf(octet, TOKEN)) throw unexpected(octet, "in a trailer's name");
        return;
      case State.TrailerValue:
        if (octet === CR) this.#state = State.TrailerLF;
        else if (!isOf(octet, TEXT)) throw unexpected(octet, "in a trailer");
        return;
      case State.TrailerLF:
        expect(octet, LF);
        this.#state = State.TrailerStart;
        return;
      default:
        expect(octet, LF);
        this.#state = State.Done;
    }
  }

  #countOverhead(limit: number): void {
    if (++this.#overhead > limit) throw malformed(`more than ${limit} bytes surround the data`);
  }
}

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
