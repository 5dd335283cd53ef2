import { RESPONSE_START, type ResponseText, writeResponse } from "../../../http/response_writer.ts";
import type { ByteStream } from "../../../net/byte_stream.ts";
import type { BodySource } from "../visit.ts";
import type { AnswerFraming } from "./answer_head.ts";
import { BufferPool } from "./buffer_pool.ts";
import { StreamedBody, type StreamedBodyEvents } from "./streamed_body.ts";

/** Bytes of the buffer for an answer that is here whole: most are shorter, and leave in one write. */
const wholeAnswers = new BufferPool(16 * 1024, 64);

/** Zeros that may stand before the size of a chunk: some clients read 16 digits, and five may follow. */
const MAX_ZEROS = 8;

/** Bytes of interim heads that wait for a visitor who reads slowly; what is more is dropped, for an answer follows. */
const MAX_WAITING_INTERIM = 16 * 1024;

/** What becomes of an answer. */
export interface AnswerEvents extends StreamedBodyEvents {
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
  /** Interim heads that are written behind that, and their bytes. */
  #interim: Uint8Array[] | null = null;
  #interimLength = 0;
  /** What is written behind these. */
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
    if (this.#pending === null) return this.#writeInterim(octets);
    if (this.#interimLength + octets.length > MAX_WAITING_INTERIM) return;
    this.#interimLength += octets.length;
    this.#interim ??= [];
    this.#interim.push(octets);
  }

  #writeInterim(octets: Uint8Array): void {
    this.#write(octets.subarray(this.#takeProbed()), nothing);
  }

  #takeInterim(): Uint8Array | undefined {
    const octets = this.#interim?.shift();
    if (octets === undefined) this.#interim = null;
    else this.#interimLength -= octets.length;
    return octets;
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
      const unwritten = pending.subarray(count);
      const isPiece = this.#then === this.#onPiece;
      this.#pending = (isPiece ? this.#body?.settle(unwritten) : undefined) ?? unwritten;
      this.#connection.write(this.#pending).then(this.#onWritten, this.#onFailed);
      return;
    }
    this.#pending = null;
    this.#then();
    const interim = this.#interim === null ? undefined : this.#takeInterim();
    if (interim !== undefined) return this.#writeInterim(interim);
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
