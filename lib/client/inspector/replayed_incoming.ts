import type { Field } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/head.ts";
import type { Chunk } from "../../mux/receive_queue.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { FrameType } from "../../wire/frame.ts";
import type { Incoming } from "../services/service.ts";

/** Asks a service once more without a visitor: gives the request's body and drops the answer, which is recorded. */
export class ReplayedIncoming implements Incoming {
  readonly type: number = FrameType.HTTPRequest;
  onAbort: Incoming["onAbort"] = null;
  readonly trailers = null;
  /** What the service has not read yet. */
  #body: Uint8Array<ArrayBuffer> | null;
  #isAnswered = false;
  #error: StreamError | null = null;

  /** Takes the body of the request; null for none. */
  constructor(body: Uint8Array<ArrayBuffer> | null) {
    this.#body = body;
  }

  get receiveEnded(): boolean {
    return this.#body === null;
  }

  get sendEnded(): boolean {
    return this.#isAnswered || this.#error !== null;
  }

  read(): Chunk | null | Promise<Chunk | null> {
    if (this.#error !== null) throw this.#error;
    return this.readNow() ?? null;
  }

  readNow(): Chunk | undefined {
    const bytes = this.#body;
    this.#body = null;
    if (bytes === null || bytes.length === 0) return undefined;
    return { type: FrameType.Data, flags: 0, bytes, cost: bytes.length };
  }

  sendInterim(_head: ResponseHead): void {}

  respond(_head: ResponseHead, end: boolean): void {
    this.#check();
    this.#isAnswered = end;
  }

  credit(): number {
    this.#check();
    return Infinity;
  }

  write(_bytes: Uint8Array): void {
    this.#check();
  }

  sendTrailers(_fields: readonly Field[]): void {
    this.#check();
  }

  end(_bytes?: Uint8Array): void {
    this.#check();
    this.#isAnswered = true;
  }

  writeMessage(_bytes: Uint8Array, _text: boolean): void | Promise<void> {
    this.#check();
  }

  teardown(_payload: Uint8Array): void {
    this.#check();
    this.#isAnswered = true;
  }

  reset(code: number, reason = ""): void {
    this.#error ??= new StreamError(code, reason);
  }

  /** Gives the exchange up, as a visitor does who leaves. */
  abort(reason: string): void {
    if (this.sendEnded) return;
    this.#error = new StreamError(ErrorCode.Cancelled, reason);
    this.onAbort?.(this.#error);
  }

  /** How the exchange broke off; null while it has not. */
  protected get error(): StreamError | null {
    return this.#error;
  }

  #check(): void {
    if (this.#error !== null) throw this.#error;
    if (this.#isAnswered) throw new StreamError(ErrorCode.Internal, "the answer has ended");
  }
}
