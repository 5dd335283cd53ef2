import { MAX_CHUNK_PREFIX, writeChunkPrefix } from "../../../http/request_writer.ts";
import { type ResponseText, writeResponse } from "../../../http/response_writer.ts";
import { lastChunk } from "../../../http/trailers.ts";
import type { BodyPiece, BodySource } from "../visit.ts";
import type { AnswerFraming } from "./answer_head.ts";
import { BufferPool } from "./buffer_pool.ts";

/** Bytes of a body that one write takes. */
const MAX_PIECE = 64 * 1024;

/** Bytes of the buffer for a body that comes in pieces: a head, or what frames a chunk, goes with one. */
const streamedAnswers = new BufferPool(MAX_PIECE + 4 * 1024, 16);

/** What is told of a body on its way. */
export interface StreamedBodyEvents {
  /** So many bytes of body are on their way to the visitor. */
  onPiece(length: number): void;
  /** The body is over, whole or not; what is left of it is sent yet. */
  onBodyOver(): void;
}

/** Bytes behind the data of a chunk: its line end, and the last chunk without trailers. */
const MAX_SUFFIX = 2 + lastChunk(null).length;

/** A body on its way from its source into one buffer after the other. */
export class StreamedBody {
  readonly #source: BodySource;
  readonly #framing: AnswerFraming;
  readonly #events: StreamedBodyEvents;
  /** Bytes to come of a body whose length was told. */
  #left: number;
  /** Begins with the head, which goes with the first piece. */
  #buffer: Uint8Array<ArrayBuffer> | null = null;
  #headStart = 0;
  #headLength = 0;
  /** What of a piece did not fit. */
  #rest: Uint8Array | null = null;
  /** What `settle` returned, until all of it is taken; null for a visitor who takes what comes. */
  #settled: Uint8Array<ArrayBuffer> | null = null;
  #isReading = false;
  #hasEnded = false;
  #isEndWritten = false;
  fault: { readonly reason: unknown } | null = null;

  constructor(
    source: BodySource,
    framing: AnswerFraming,
    events: StreamedBodyEvents,
  ) {
    this.#source = source;
    this.#framing = framing;
    this.#events = events;
    this.#left = typeof framing === "number" ? framing : Infinity;
  }

  /** Whether all of it was returned by `next`, or as much as came of one that broke off. */
  get isOver(): boolean {
    return this.#isEndWritten;
  }

  /** Whether a chunk may begin where the last write ended, while none is here. */
  get isBetweenChunks(): boolean {
    return this.#framing === "chunked" && this.#isReading && this.#headLength === 0 &&
      !this.#hasEnded;
  }

  begin(head: ResponseText): void {
    const { length } = head.text;
    const isShort = length + MAX_CHUNK_PREFIX + MAX_SUFFIX + MAX_PIECE <= streamedAnswers.length;
    const buffer = isShort
      ? streamedAnswers.take()
      : new Uint8Array(length + streamedAnswers.length);
    this.#headLength = writeResponse(head, buffer, 0);
    this.#buffer = buffer;
  }

  /** Leaves out octets of the head that were sent already. */
  skip(count: number): void {
    this.#headStart = count;
  }

  cancel(): void {
    if (this.#hasEnded) return;
    this.#source.cancel();
    this.#end();
  }

  /**
   * Returns what is written next, which stays as it is until the next call; null when there is nothing yet, and `onMore` is
   * called then, or nothing any more.
   */
  next(onMore: () => void): Uint8Array | null {
    this.#freeSettled();
    const buffer = this.#buffer ??= streamedAnswers.take();
    const room = this.#framing === "chunked" ? MAX_CHUNK_PREFIX : 0;
    const dataStart = this.#headLength + room;
    const dataEnd = this.#fill(buffer, dataStart, onMore);
    const isLast = this.#hasEnded && this.#rest === null;
    const isWhole = isLast && this.fault === null;
    const isNothing = dataEnd === dataStart && this.#headLength === 0;
    if (isNothing && !(isWhole && this.#framing === "chunked" && !this.#isEndWritten)) {
      if (isLast) this.#isEndWritten = true;
      this.#buffer = null;
      streamedAnswers.give(buffer);
      return null;
    }
    if (isLast) this.#isEndWritten = true;
    return this.#framed(buffer, dataStart, dataEnd, isWhole);
  }

  /**
   * Moves what the visitor does not take yet into memory of its own, and returns that: of what `next` returned last, these
   * bytes are left. A visitor may take no more for long, and a thousand may do so.
   */
  settle(unwritten: Uint8Array): Uint8Array {
    if (this.#rest !== null) this.#rest = owned(this.#rest);
    const own = new Uint8Array(unwritten);
    this.#freeSettled();
    this.#settled = own;
    if (this.#buffer !== null) streamedAnswers.give(this.#buffer);
    this.#buffer = null;
    return own;
  }

  /** V8 would leave it in memory until much else is garbage as well. Node 20 has no `transfer`. */
  #freeSettled(): void {
    this.#settled?.buffer.transfer?.(0);
    this.#settled = null;
  }

  /** Puts what frames a chunk around the data, and the head before it. */
  #framed(buffer: Uint8Array, dataStart: number, dataEnd: number, isWhole: boolean): Uint8Array {
    const headLength = this.#headLength;
    const headStart = this.#headStart;
    this.#headLength = this.#headStart = 0;
    if (this.#framing !== "chunked") return buffer.subarray(headStart, dataEnd);
    let from = dataStart;
    let end = dataEnd;
    if (dataEnd > dataStart) {
      const prefix = writeChunkPrefix(dataEnd - dataStart, chunkPrefix, 0);
      from -= prefix;
      buffer.set(chunkPrefix.subarray(0, prefix), from);
      buffer[end++] = 0x0d;
      buffer[end++] = 0x0a;
    }
    // The head is moved up to the prefix, which is mostly shorter than its room.
    buffer.copyWithin(from - headLength, 0, headLength);
    from -= headLength;
    if (!isWhole) return buffer.subarray(from + headStart, end);
    const last = lastChunk(this.#source.trailers);
    if (end + last.length <= buffer.length) {
      buffer.set(last, end);
      return buffer.subarray(from + headStart, end + last.length);
    }
    const longer = new Uint8Array(end - from + last.length);
    longer.set(buffer.subarray(from, end));
    longer.set(last, end - from);
    return longer.subarray(headStart);
  }

  /** Takes what the source has, and returns the offset behind it. */
  #fill(buffer: Uint8Array, start: number, onMore: () => void): number {
    let at = start;
    const limit = start + MAX_PIECE;
    while (at < limit && !this.#isReading) {
      if (this.#rest === null) {
        if (this.#hasEnded) break;
        this.#read(onMore);
        continue;
      }
      const piece = this.#rest;
      const count = Math.min(piece.length, limit - at);
      buffer.set(count === piece.length ? piece : piece.subarray(0, count), at);
      at += count;
      this.#rest = count === piece.length ? null : piece.subarray(count);
    }
    return at;
  }

  #read(onMore: () => void): void {
    try {
      const read = this.#source.read();
      if (!(read instanceof Promise)) return this.#take(read);
      this.#isReading = true;
      read.then((piece) => {
        this.#isReading = false;
        this.#take(piece);
      }, (reason) => {
        this.#isReading = false;
        this.#fail(reason);
      }).then(onMore);
    } catch (reason) {
      this.#fail(reason);
    }
  }

  #take(piece: BodyPiece | null): void {
    if (this.#hasEnded) return;
    if (piece === null) {
      if (this.#left > 0 && this.#left !== Infinity) {
        return this.#fail(new Error(`${this.#left} bytes of the body are missing`));
      }
      return this.#end();
    }
    const { length } = piece.bytes;
    const bytes = length > this.#left ? piece.bytes.subarray(0, this.#left) : piece.bytes;
    this.#left -= bytes.length;
    if (bytes.length > 0) this.#rest = this.#settled === null ? bytes : owned(bytes);
    this.#events.onPiece(bytes.length);
    if (bytes.length === length) return;
    this.#source.cancel();
    this.#end();
  }

  #fail(reason: unknown): void {
    if (this.#hasEnded) return;
    this.fault = { reason };
    this.#end();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#events.onBodyOver();
  }
}

/** Copies a part of a message, which may have bytes of other visitors, too. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length < bytes.buffer.byteLength ? bytes.slice() : bytes;
}

const chunkPrefix = new Uint8Array(MAX_CHUNK_PREFIX);
