import type { Incoming } from "../../lib/client/services/service.ts";
import type { Field } from "../../lib/http/fields.ts";
import type { RequestHead, ResponseHead } from "../../lib/http/head.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { ErrorCode, StreamError } from "../../lib/wire/errors.ts";
import type { Chunk } from "../../lib/mux/receive_queue.ts";
import { toBytes, toText } from "./latin1.ts";
import { within } from "./within.ts";

/** Pieces of an answer that are kept, and pieces of a body that wait to be read. */
const MAX_PIECES = 10_000;

/** The service's end of an exchange, without a tunnel: the test is the visitor. */
export class FakeIncoming implements Incoming {
  onAbort: ((error: Error) => void) | null = null;
  /** The head of the answer, once there is one. */
  head: ResponseHead | null = null;
  /** The heads of interim responses that came before it. */
  readonly interim: ResponseHead[] = [];
  /** The fields behind the body of the request, which the visitor may give before its end. */
  trailers: readonly Field[] | null = null;
  /** The fields behind that of the answer. */
  sentTrailers: readonly Field[] | null = null;
  /** How the service reset the exchange. */
  resetWith: { readonly code: number; readonly reason: string } | null = null;
  /** Pieces of the body that the service has read. */
  reads = 0;
  /** Waits of the service for room, to write or to read something that it could write. */
  waiting = 0;
  readonly #answered = Promise.withResolvers<ResponseHead>();
  readonly #upload: Chunk[] = [];
  readonly #answer: Uint8Array[] = [];
  #reader: PromiseWithResolvers<Chunk | null> | null = null;
  #room: PromiseWithResolvers<void> | null = null;
  #receiveEnded: boolean;
  #sendEnded = false;
  #error: Error | null = null;

  /** Begins an exchange; without `hasBody` the request has ended with its head. */
  constructor(
    readonly type: number = FrameType.HTTPRequest,
    { hasBody = false }: { readonly hasBody?: boolean } = {},
  ) {
    this.#receiveEnded = !hasBody;
  }

  get receiveEnded(): boolean {
    return this.#receiveEnded;
  }

  get sendEnded(): boolean {
    return this.#sendEnded || this.#error !== null;
  }

  /** Whether the answer is complete. */
  get isComplete(): boolean {
    return this.#sendEnded;
  }

  /** The body of the answer so far, as Latin-1. */
  get text(): string {
    return this.#answer.map(toText).join("");
  }

  /** Waits for the head of the answer. */
  async answered(): Promise<ResponseHead> {
    return await within(this.#answered.promise, "the head of an answer");
  }

  // What the visitor does.

  /** Sends a piece of the request's body. */
  give(data: string | Uint8Array): void {
    this.#give(FrameType.Data, 0, data);
  }

  /** Sends a message of a WebSocket. */
  giveMessage(data: string | Uint8Array): void {
    this.#give(FrameType.WSMessage, typeof data === "string" ? FrameFlag.Text : 0, data);
  }

  /** Ends the request's body. */
  giveEnd(): void {
    this.#receiveEnded = true;
    this.#settle(null);
  }

  /** Takes nothing more of the answer, until `takeAll`. */
  stall(): void {
    this.#room = Promise.withResolvers();
  }

  /** Takes what waits and what follows. */
  takeAll(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  /** Leaves: the exchange ends as the visitor's end resets it. */
  leave(error = new StreamError(ErrorCode.Cancelled, "the visitor has left")): void {
    this.#fail(error);
    this.onAbort?.(error);
  }

  // What the service does.

  read(): Chunk | null | Promise<Chunk | null> {
    const chunk = this.readNow();
    if (chunk !== undefined) return chunk;
    if (this.#error !== null && !this.#receiveEnded) throw this.#error;
    if (this.#receiveEnded) return null;
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  readNow(): Chunk | undefined {
    const chunk = this.#upload.shift();
    if (chunk !== undefined) this.reads++;
    return chunk;
  }

  sendInterim(head: ResponseHead): void {
    // As a stream does: behind the answer's head there is none.
    if (this.head === null && this.interim.length < MAX_PIECES) this.interim.push(head);
  }

  respond(head: ResponseHead, end: boolean): void {
    this.#check();
    this.head = { status: head.status, fields: head.fields };
    this.#sendEnded = end;
    this.#answered.resolve(this.head);
  }

  credit(): number | Promise<number> {
    this.#check();
    return this.#room === null ? Infinity : this.#waitFor(this.#room, () => Infinity);
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#check();
    if (this.#room === null) return this.#take(bytes);
    return this.#waitFor(this.#room, () => this.#take(bytes));
  }

  sendTrailers(fields: readonly Field[]): void {
    this.#check();
    this.sentTrailers = fields;
  }

  end(bytes: Uint8Array = new Uint8Array(0)): void | Promise<void> {
    const written = this.write(bytes);
    if (written === undefined) this.#sendEnded = true;
    else return written.then(() => void (this.#sendEnded = true));
  }

  writeMessage(bytes: Uint8Array): void | Promise<void> {
    return this.write(bytes);
  }

  teardown(): void {
    this.#check();
    this.#sendEnded = true;
  }

  reset(code: number, reason = ""): void {
    if (this.#error !== null || (this.#sendEnded && this.#receiveEnded)) return;
    this.resetWith = { code, reason };
    this.#fail(new StreamError(code, reason));
  }

  #give(type: number, flags: number, data: string | Uint8Array): void {
    const bytes = new Uint8Array(toBytes(data));
    const chunk: Chunk = { type, flags, bytes, cost: bytes.length };
    if (this.#reader === null && this.#upload.length < MAX_PIECES) this.#upload.push(chunk);
    else this.#settle(chunk);
  }

  #waitFor<Result>(room: PromiseWithResolvers<void>, then: () => Result): Promise<Result> {
    this.waiting++;
    return room.promise.then(() => {
      this.waiting--;
      this.#check();
      return then();
    });
  }

  #take(bytes: Uint8Array): void {
    // What was written may be overwritten as soon as it was taken.
    if (this.#answer.length < MAX_PIECES) this.#answer.push(bytes.slice());
  }

  #check(): void {
    if (this.#error !== null) throw this.#error;
    if (this.#sendEnded) throw new StreamError(ErrorCode.Internal, "this side has ended");
  }

  #settle(chunk: Chunk | null): void {
    if (chunk !== null) this.reads++;
    this.#reader?.resolve(chunk);
    this.#reader = null;
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#reader?.reject(error);
    this.#reader = null;
    this.#room?.reject(error);
    this.#room = null;
  }
}

/** Returns the head of a request for a page, with what is given in place of the usual. */
export function requestHead(given: Partial<RequestHead> = {}): RequestHead {
  return { method: "GET", target: "/", fields: [["host", "app.example"]], ...given };
}
