import { linesOf, type ResponseHead } from "../../http/head.ts";
import { type Field, fieldValue } from "../../http/fields.ts";
import { latin1 } from "../../http/octets.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { FrameFlag, FrameType } from "../../wire/frame.ts";
import { decodeReset } from "../../wire/reasons.ts";
import type { Incoming } from "../services/service.ts";
import { Asides } from "./asides.ts";
import { EventParser } from "./event_parser.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import type { ExchangeStore } from "./exchange_store.ts";
import { KeptBody } from "./kept_body.ts";
import { type KeptMessage, MessageLog, MessageParts } from "./message_log.ts";

/**
 * The service's end of an exchange, which notes what passes.
 *
 * What passes is passed on first, and noting neither waits nor fails. It is the way of every request: an object that is
 * only there while the exchange is, so that the record does not keep the stream.
 */
export class RecordingIncoming implements Incoming {
  onAbort: Incoming["onAbort"] = null;
  readonly type: number;
  readonly #incoming: Incoming;
  readonly #record: ExchangeRecord;
  readonly #store: ExchangeStore;
  #isAnswered = false;
  /** The visitor's message of which more is to come. */
  #parts: MessageParts | null = null;
  #events: EventParser | null = null;

  constructor(incoming: Incoming, record: ExchangeRecord, store: ExchangeStore) {
    this.type = incoming.type;
    this.#incoming = incoming;
    this.#record = record;
    this.#store = store;
    if (incoming.receiveEnded) record.sentOn = 0;
    incoming.onAbort = (error) => {
      this.#abort(error);
      this.onAbort?.(error);
    };
  }

  get receiveEnded(): boolean {
    return this.#incoming.receiveEnded;
  }

  get trailers(): readonly Field[] | null {
    return this.#incoming.trailers;
  }

  get sendEnded(): boolean {
    return this.#incoming.sendEnded;
  }

  read(): Chunk | null | Promise<Chunk | null> {
    const read = this.#incoming.read();
    return read instanceof Promise ? read.then((chunk) => this.#noted(chunk)) : this.#noted(read);
  }

  readNow(): Chunk | undefined {
    const chunk = this.#incoming.readNow();
    if (chunk !== undefined) this.#noted(chunk);
    return chunk;
  }

  sendInterim(head: ResponseHead): void {
    this.#incoming.sendInterim(head);
    this.#noteAside((asides) => asides.addInterim(head));
  }

  respond(head: ResponseHead, end: boolean): void {
    this.#incoming.respond(head, end);
    this.#store.grow(this.#record, this.#record.respond(head));
    // A stream that has no end has no length either, and most answers have one.
    const mayBeStream = !end && linesOf(head).notableCount("content-length") === 0;
    if (mayBeStream && isEventStream(this.#record)) this.#expectEvents();
    if (end) this.#answered();
    else this.#store.changed(this.#record);
  }

  credit(): number | Promise<number> {
    return this.#incoming.credit();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    const written = this.#incoming.write(bytes);
    this.#noteAnswer(bytes);
    return written;
  }

  sendTrailers(fields: readonly Field[]): void {
    this.#incoming.sendTrailers(fields);
    this.#noteAside((asides) => asides.setResponseTrailers(fields));
  }

  end(bytes?: Uint8Array): void | Promise<void> {
    const ended = this.#incoming.end(bytes);
    if (bytes !== undefined) this.#noteAnswer(bytes);
    if (ended === undefined) this.#answered();
    else return ended.then(() => this.#answered());
  }

  writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    const written = this.#incoming.writeMessage(bytes, text);
    if (!this.#record.isKept) return written;
    const parts = new MessageParts();
    parts.add(bytes);
    this.#noteMessage("service", text ? "text" : "binary", parts);
    return written;
  }

  teardown(payload: Uint8Array): void {
    this.#incoming.teardown(payload);
    this.#noteClose("service", payload);
    this.#answered();
  }

  reset(code: number, reason?: string): void {
    this.#incoming.reset(code, reason);
    if (code === ErrorCode.None && this.#isAnswered) this.#finish("complete", null);
    else if (code === ErrorCode.Cancelled) this.#finish("left", reason ?? "");
    else this.#finish("failed", reason ?? "", code);
  }

  /** Ends the record when the service is done. */
  settle(): void {
    if (this.#isAnswered) this.#finish("complete", null);
    else this.#finish("failed", "the service ended the exchange without an answer");
  }

  #noted(chunk: Chunk | null): Chunk | null {
    const record = this.#record;
    if (chunk === null) {
      const { trailers } = this.#incoming;
      if (trailers !== null) this.#noteAside((asides) => asides.setRequestTrailers(trailers));
      if (record.requestBody !== null) record.requestBody.isComplete = true;
      if (record.sentOn < 0) record.sentOn = record.now();
      if (this.#isAnswered) this.#finish("complete", null);
      return chunk;
    }
    if (this.type === FrameType.WSRequest) this.#noteChunk(chunk);
    else if (record.isKept) {
      record.requestBody ??= new KeptBody();
      this.#store.grow(record, record.requestBody.add(chunk.bytes));
      this.#store.changed(record);
    }
    return chunk;
  }

  #noteAside(note: (asides: Asides) => number): void {
    const record = this.#record;
    if (!record.isKept) return;
    record.asides ??= new Asides();
    this.#store.grow(record, note(record.asides));
    this.#store.changed(record);
  }

  #noteAnswer(bytes: Uint8Array): void {
    const record = this.#record;
    if (!record.isKept || bytes.length === 0) return;
    record.responseBody ??= new KeptBody();
    this.#store.grow(record, record.responseBody.add(bytes));
    this.#events?.push(bytes);
    this.#store.changed(record);
  }

  #noteChunk({ type, flags, bytes }: Chunk): void {
    if (type === FrameType.WSTeardown) {
      this.#noteClose("visitor", bytes);
      if (this.#isAnswered) this.#finish("complete", null);
      return;
    }
    if (!this.#record.isKept) return;
    const parts = this.#parts ?? new MessageParts();
    parts.add(bytes);
    const isPart = (flags & FrameFlag.More) !== 0;
    this.#parts = isPart ? parts : null;
    const isText = (flags & FrameFlag.Text) !== 0;
    if (!isPart) this.#noteMessage("visitor", isText ? "text" : "binary", parts);
  }

  #noteMessage(from: "visitor" | "service", kind: "text" | "binary", parts: MessageParts): void {
    const { size, octets, isWhole } = parts;
    const body = from === "visitor" ? "requestBody" : "responseBody";
    const record = this.#record;
    // A WebSocket has no bodies: they count what its messages have.
    record[body] ??= new KeptBody();
    record[body].size += size;
    this.#note({ from, kind, size, octets, isWhole });
  }

  #noteClose(from: "visitor" | "service", payload: Uint8Array): void {
    const { code } = decodeReset(payload);
    const octets = latin1(payload, 2);
    this.#note({ from, kind: "close", size: octets.length, octets, isWhole: true, code });
  }

  #note(
    message:
      & Pick<KeptMessage, "from" | "kind" | "size" | "octets" | "isWhole">
      & Partial<KeptMessage>,
  ): void {
    const record = this.#record;
    if (record.messages === null) return;
    const at = record.now() / 1000;
    const grown = record.messages.add({ at, code: 0, event: "", eventId: "", ...message });
    this.#store.grow(record, grown);
    this.#store.changed(record);
  }

  #expectEvents(): void {
    this.#record.kind = "events";
    this.#record.messages = new MessageLog();
    this.#events = new EventParser(({ data, ...event }) =>
      this.#note({ from: "service", kind: "event", octets: data, ...event })
    );
  }

  /** The service has sent all of its answer, or its close. */
  #answered(): void {
    this.#isAnswered = true;
    const record = this.#record;
    if (record.responseBody !== null) record.responseBody.isComplete = true;
    if (this.type === FrameType.HTTPRequest && this.#incoming.receiveEnded) {
      this.#finish("complete", null);
    }
  }

  #abort(error: Error): void {
    if (error instanceof StreamError && error.code !== ErrorCode.Cancelled) {
      return this.#finish("failed", error.message, error.code);
    }
    this.#finish("left", error.message);
  }

  #finish(
    state: "complete" | "left" | "failed",
    reason: string | null,
    resetCode?: number,
  ): void {
    this.#store.finish(this.#record, state, reason, resetCode);
  }
}

/** Whether events can be read out of the answer: one with a coding would have to be undone first. */
function isEventStream({ responseFields }: ExchangeRecord): boolean {
  const fields = responseFields ?? [];
  return EVENT_STREAM.test(fieldValue(fields, "content-type") ?? "") &&
    fieldValue(fields, "content-encoding") === undefined;
}

const EVENT_STREAM = /^text\/event-stream *(?:;|$)/i;
