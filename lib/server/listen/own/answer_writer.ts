import { LAST_CHUNK, MAX_CHUNK_PREFIX, writeChunkPrefix } from "../../../http/request_writer.ts";
import { RESPONSE_START, type ResponseText, writeResponse } from "../../../http/response_writer.ts";
import type { ByteStream } from "../../../net/byte_stream.ts";
import type { BodyPiece, BodySource } from "../visit.ts";
import type { AnswerFraming } from "./answer_head.ts";
import { BufferPool } from "./buffer_pool.ts";

/** Bytes of the buffer for an answer that is here whole: most are shorter, and leave in one write. */
const wholeAnswers = new BufferPool(16 * 1024, 64);

/** Bytes of a body that one write takes. */
const MAX_PIECE = 64 * 1024;

/** Bytes of the buffer for a body that comes in pieces: a head, or what frames a chunk, goes with one. */
const streamedAnswers = new BufferPool(MAX_PIECE + 4 * 1024, 16);

/** Zeros that may stand before the size of a chunk: some clients read 16 digits, and five may follow. */
const MAX_ZEROS = 8;

/** What becomes of an answer. */
export interface AnswerEvents {
  /** So many bytes of body are on their way to the visitor. */
  onPiece(length: number): void;
  /** The body is over, whole or not; what is left of it is sent yet. */
  onBodyOver(): void;
  /** All of it was written. */
  onWritten(): void;
  /** The connection is broken. */
  onGone(): void;
  /** The body broke off, and all that came of it was written. */
  onCut(reason: unknown): void;
}

/** Writes the answers of one connection, one after the other and one write at a time. */
export class AnswerWriter {
  readonly #connection: ByteStream;
  readonly #events: AnswerEvents;
  /** What is being written, and what is done then. */
  #pending: Uint8Array | null = null;
  #then: () => void = nothing;
  /** What is written behind that. */
  #next: (() => void) | null = null;
  #hasProgress = false;
  #hasBegun = false;
  #isGone = false;
  /** Octets that every answer begins with, or zeros before a chunk's size, which were sent already. */
  #probed = 0;
  #body: StreamedBody | null = null;
  // Made once: closures for each write would be garbage on the busiest path.
  readonly #onWritten = (count: number): void => this.#written(count);
  readonly #onFailed = (): void => this.#fail();
  readonly #onWhole = (): void => {
    this.#hasBegun = false;
    this.#events.onWritten();
  };
  readonly #onPiece = (): void => this.#pump();

  constructor(connection: ByteStream, events: AnswerEvents) {
    this.#connection = connection;
    this.#events = events;
  }

  /** Whether the visitor has yet to take something. */
  get isWriting(): boolean {
    return this.#pending !== null;
  }

  /** Whether the head of an answer has been sent, and not yet its end. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Tells whether the visitor took something since this was last asked. */
  takeProgress(): boolean {
    const hasProgress = this.#hasProgress;
    this.#hasProgress = false;
    return hasProgress;
  }

  /** Sends an answer that is here whole. @throws {HeadError} for a head that cannot be sent; nothing was sent then. */
  sendWhole(head: ResponseText, body: Uint8Array | null): void {
    const { length } = head.text;
    const isShort = length <= wholeAnswers.length;
    const out = isShort ? wholeAnswers.take() : new Uint8Array(length);
    const headEnd = writeResponse(head, out, 0);
    const count = body === null ? 0 : Math.min(body.length, out.length - headEnd);
    if (body !== null) {
      out.set(count === body.length ? body : body.subarray(0, count), headEnd);
    }
    this.#hasBegun = true;
    this.#after(() => {
      const bytes = out.subarray(this.#takeProbed(), headEnd + count);
      this.#write(bytes, () => {
        wholeAnswers.give(out);
        if (body === null || count === body.length) this.#onWhole();
        else this.#write(body.subarray(count), this.#onWhole);
      });
    });
  }

  /** Sends a head, and a body as it comes and as the visitor takes it. @throws {HeadError} likewise. */
  sendStream(head: ResponseText, source: BodySource, framing: AnswerFraming): void {
    const body = new StreamedBody(source, framing, this.#events);
    body.begin(head);
    this.#hasBegun = true;
    this.#after(() => {
      this.#body = body;
      body.skip(this.#takeProbed());
      this.#pump();
    });
  }

  /** Sends a head that another one follows (RFC 9110 section 15.2). */
  sendInterim(octets: Uint8Array): void {
    this.#after(() => this.#write(octets.subarray(this.#takeProbed()), nothing));
  }

  /**
   * Sends an octet that the answer would begin with anyway, or its next chunk: a visitor who is still there has lost nothing,
   * and the system of one who is not answers with a reset. Returns false when there is none to send.
   */
  probe(): boolean {
    if (this.isWriting || this.#isGone) return false;
    const body = this.#body;
    if (body !== null) {
      if (!body.isBetweenChunks || this.#probed === MAX_ZEROS) return false;
      this.#write(ZERO, nothing);
    } else {
      if (this.#hasBegun || this.#probed === START.length) return false;
      this.#write(START.subarray(this.#probed, this.#probed + 1), nothing);
    }
    this.#probed++;
    return true;
  }

  /** Sends nothing more, and gives up the body. */
  close(): void {
    this.#isGone = true;
    this.#next = null;
    this.#body?.cancel();
    this.#body = null;
  }

  #takeProbed(): number {
    const probed = this.#probed;
    this.#probed = 0;
    return probed;
  }

  #after(task: () => void): void {
    if (this.#pending === null) task();
    else this.#next = task;
  }

  #write(bytes: Uint8Array, then: () => void): void {
    this.#pending = bytes;
    this.#then = then;
    this.#connection.write(bytes).then(this.#onWritten, this.#onFailed);
  }

  #written(count: number): void {
    this.#hasProgress = true;
    const pending = this.#pending;
    if (this.#isGone || pending === null) return;
    if (count < pending.length) {
      this.#pending = pending.subarray(count);
      this.#connection.write(this.#pending).then(this.#onWritten, this.#onFailed);
      return;
    }
    this.#pending = null;
    this.#then();
    const next = this.#next;
    if (next === null || this.#pending !== null) return;
    this.#next = null;
    next();
  }

  #fail(): void {
    if (this.#isGone) return;
    this.close();
    this.#events.onGone();
  }

  /** Writes what the body has, or waits for more of it. */
  #pump(): void {
    const body = this.#body;
    if (body === null || this.isWriting) return;
    const bytes = body.next(this.#onPiece);
    if (bytes !== null) {
      // The zeros that were sent belong to the size of this chunk.
      this.#probed = 0;
      this.#write(bytes, this.#onPiece);
      return;
    }
    if (!body.isOver) return;
    this.#body = null;
    if (body.fault === null) this.#onWhole();
    else this.#events.onCut(body.fault.reason);
  }
}

function nothing(): void {}

const encoder = new TextEncoder();
const START = encoder.encode(RESPONSE_START);
const ZERO = encoder.encode("0");

/** Bytes behind the data of a chunk: its line end, and the last chunk. */
const MAX_SUFFIX = 2 + LAST_CHUNK.length;

/** A body on its way from its source into one buffer after the other. */
class StreamedBody {
  readonly #source: BodySource;
  readonly #framing: AnswerFraming;
  readonly #events: Pick<AnswerEvents, "onPiece" | "onBodyOver">;
  /** Bytes to come of a body whose length was told. */
  #left: number;
  /** Begins with the head, which goes with the first piece. */
  #buffer: Uint8Array<ArrayBuffer> | null = null;
  #headStart = 0;
  #headLength = 0;
  /** What of a piece did not fit. */
  #rest: Uint8Array | null = null;
  #isReading = false;
  #hasEnded = false;
  #isEndWritten = false;
  fault: { readonly reason: unknown } | null = null;

  constructor(
    source: BodySource,
    framing: AnswerFraming,
    events: Pick<AnswerEvents, "onPiece" | "onBodyOver">,
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
    if (isWhole) {
      buffer.set(LAST_CHUNK, end);
      end += LAST_CHUNK.length;
    }
    return buffer.subarray(from + headStart, end);
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
    if (bytes.length > 0) this.#rest = bytes;
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

const chunkPrefix = new Uint8Array(MAX_CHUNK_PREFIX);
