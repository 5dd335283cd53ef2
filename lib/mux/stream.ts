import type { Field } from "../http/fields.ts";
import { ErrorCode, SessionError, StreamError } from "../wire/errors.ts";
import type { Feature } from "../wire/features.ts";
import { aFrame, FrameFlag, FrameType } from "../wire/frame.ts";
import {
  decodeInterim,
  decodeReasonPhrase,
  decodeTrailers,
  encodeInterim,
  encodeReasonPhrase,
  encodeTrailers,
} from "../wire/head.ts";
import type { ReceiveWindow, SendWindow } from "./flow_control.ts";
import type { PendingHead } from "./pending_head.ts";
import { ReceiveHalf } from "./receive_half.ts";
import type { Chunk } from "./receive_queue.ts";
import { SendHalf } from "./send_half.ts";
import type { ResponseHead } from "../http/head.ts";
import type { WriteQueue } from "./write_queue.ts";

/** What a stream needs of its session. */
export interface StreamHost {
  readonly queue: WriteQueue;
  /** What both sides have beyond the frames that every peer has. */
  readonly features: ReadonlySet<Feature>;
  /** The stream sent body: its request is making progress. */
  progressed(stream: Stream): void;
  /** The stream is over and its id is never used again. */
  finished(stream: Stream): void;
  sendWindow(stream: Stream, credit: number): void;
  sendReset(stream: Stream, code: number, reason: string): void;
}

export interface StreamOptions {
  readonly sendWindow: SendWindow;
  readonly receiveWindow: ReceiveWindow;
  /** The response head that is to come from the peer; null for none. */
  readonly head: PendingHead | null;
  readonly receiveEnded: boolean;
  readonly sendEnded: boolean;
}

/** One exchange: a head and a body each way, under flow control in both directions. */
export class Stream {
  /** Called once when the stream ends before both sides are complete: by a Reset from the peer, or with its session. */
  onAbort: ((error: Error) => void) | null = null;
  /** Called once when the stream is over, however it ended. */
  onFinish: (() => void) | null = null;

  /** The response head that this side waits for, or has got; null on the side that sends it. */
  readonly head: PendingHead | null;
  readonly #host: StreamHost;
  readonly #sending: SendHalf;
  readonly #receiving: ReceiveHalf;
  #failed = false;
  #hasResponded = false;

  constructor(
    host: StreamHost,
    readonly id: number,
    /** What opened the stream: HTTPRequest or WSRequest. */
    readonly type: number,
    options: StreamOptions,
  ) {
    this.#host = host;
    this.head = options.head;
    this.#sending = new SendHalf({
      stream: id,
      queue: host.queue,
      window: options.sendWindow,
      ended: options.sendEnded,
      onEnd: () => this.#checkFinished(),
    });
    this.#receiving = new ReceiveHalf({
      window: options.receiveWindow,
      expectsHead: options.head !== null,
      ended: options.receiveEnded,
      sendCredit: (credit) => host.sendWindow(this, credit),
    });
  }

  /** How many bytes of body the peer may send at first. */
  get window(): number {
    return this.#receiving.window;
  }

  /** Whether nothing more can be sent, because it was ended or the stream is over. */
  get sendEnded(): boolean {
    return this.#sending.ended || this.#failed;
  }

  /** Whether the peer has sent all of its body; some may still wait to be read. */
  get receiveEnded(): boolean {
    return this.#receiving.ended;
  }

  /** The fields behind the peer's body (RFC 9110 section 6.5), once it has ended; null for none. */
  get trailers(): readonly Field[] | null {
    return this.#receiving.trailers;
  }

  /** Moves what waits for a reader that takes nothing into memory of its own; to be called about once a second. */
  settle(): void {
    this.#receiving.settle();
  }

  /**
   * Returns the next chunk, null at the end, or a promise when it has not come yet.
   *
   * @throws {StreamError | SessionError} when the stream was cut before its end.
   */
  read(): Chunk | null | Promise<Chunk | null> {
    return this.#receiving.read();
  }

  /** Returns the next chunk if it is here already, without waiting. */
  readNow(): Chunk | undefined {
    return this.#receiving.readNow();
  }

  /**
   * Sends a response head; `end` says that no body follows.
   *
   * @throws {StreamError | SessionError} for a head that cannot be sent, and when the stream is over.
   */
  respond(head: ResponseHead, end: boolean): void {
    if (head.reasonPhrase !== undefined) this.#sendReasonPhrase(head.reasonPhrase);
    // Each answer has the next number after its request.
    this.#sending.responseHead(this.type + 1, head, end);
    this.#hasResponded = true;
  }

  /**
   * Sends the head of an interim response (1xx), before that of the final one; to a peer without the feature nothing, and
   * nothing when that has been sent, or the stream is over.
   *
   * @throws {StreamError} for a head that cannot be sent.
   */
  sendInterim(head: ResponseHead): void {
    if (this.#hasResponded || this.sendEnded || !this.#host.features.has("interim")) return;
    const payload = encodeInterim(head);
    if (payload !== null) this.#sending.control(FrameType.Interim, 0, payload, false);
  }

  /**
   * Returns how many bytes of body the peer takes now, or a promise of it while it takes none: what is read only then need
   * not be kept for a visitor who does not read.
   *
   * @throws {StreamError | SessionError} when the stream is over.
   */
  credit(): number | Promise<number> {
    return this.#sending.credit();
  }

  /**
   * Sends body bytes; they are copied before this returns, or before the promise it returns is
   * fulfilled, which is when the window and the socket had room. One write at a time.
   *
   * @throws {StreamError | SessionError} when the stream is over.
   */
  write(bytes: Uint8Array): void | Promise<void> {
    if (bytes.length === 0) return this.#sending.check();
    this.#host.progressed(this);
    return this.#sending.write(FrameType.Data, 0, bytes);
  }

  /**
   * Sends the fields behind a body, once all of it was written and before its end; to a peer without the feature nothing.
   *
   * @throws {StreamError | SessionError} when the stream is over, and for a field with a wrong name or value.
   */
  sendTrailers(fields: readonly Field[]): void {
    if (!this.#host.features.has("trailers")) return;
    const payload = encodeTrailers(fields);
    if (payload !== null) this.#sending.control(FrameType.Trailers, 0, payload, false);
  }

  /** Sends one WebSocket message, in several frames where it is long; waits as `write` does. */
  writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    return this.#sending.write(FrameType.WSMessage, text ? FrameFlag.Text : 0, bytes);
  }

  /** Sends on what another stream received, a part of a message as a part; waits as `write` does. */
  forward({ type, flags, bytes }: Chunk): void | Promise<void> {
    if (type === FrameType.WSTeardown) return this.teardown(bytes);
    if (type === FrameType.Data) return this.write(bytes);
    return this.#sending.write(type, flags, bytes);
  }

  /** Sends the last bytes of the body and ends this side; waits as `write` does. */
  end(bytes: Uint8Array = NOTHING): void | Promise<void> {
    this.#host.progressed(this);
    if (bytes.length > 0) return this.#sending.write(FrameType.Data, FrameFlag.EndStream, bytes);
    this.#sending.control(FrameType.Data, FrameFlag.EndStream, NOTHING, true);
  }

  /** Sends the close code and reason of a WebSocket and ends this side. */
  teardown(payload: Uint8Array): void {
    this.#sending.control(FrameType.WSTeardown, 0, payload, true);
  }

  /** Ends the stream at once and tells the peer why; does nothing when it is over. */
  reset(code: number, reason = ""): void {
    if (this.#isOver()) return;
    this.#host.sendReset(this, code, reason);
    this.#fail(new StreamError(code, reason === "" ? "the stream was reset" : reason), true);
  }

  /**
   * Notes how many bytes of body the peer has announced: a body that is not as long is cut for its reader.
   *
   * @throws {StreamError} `Protocol` when it has ended already.
   */
  expect(length: number): void {
    this.#receiving.expect(length);
  }

  /** Takes the response head that the session has received. */
  receiveHead(end: boolean): void {
    this.#receiving.takeHead(end);
    this.#checkFinished();
  }

  /** Takes a frame that stands before the response head: the last ReasonPhrase counts, and every Interim. */
  receiveBeforeHead(type: number, payload: Uint8Array): void {
    const { head } = this;
    if (head === null) throw new SessionError(ErrorCode.Protocol, `${aFrame(type)} of no answer`);
    this.#receiving.checkBeforeHead(type);
    try {
      if (type === FrameType.Interim) head.takeInterim(decodeInterim(payload));
      else head.reasonPhrase = decodeReasonPhrase(payload);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Takes a frame of body, a message or a teardown that the session has received. */
  receive(type: number, flags: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (type !== FrameType.Data && this.type === FrameType.HTTPRequest) {
      throw new SessionError(ErrorCode.Protocol, `${aFrame(type)} on an HTTP stream`);
    }
    try {
      this.#receiving.take(type, flags, bytes);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#checkFinished();
  }

  /** Takes the fields behind a body. */
  receiveTrailers(payload: Uint8Array): void {
    try {
      this.#receiving.takeTrailers(decodeTrailers(payload));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Takes credit that the session has received. */
  receiveWindow(credit: number): void {
    if (this.#sending.addCredit(credit)) this.#host.progressed(this);
  }

  /** Ends the stream because the peer reset it or the session ended; what was received can still be read. */
  abort(error: Error): void {
    if (this.#isOver()) return;
    this.#fail(error, false);
    this.onAbort?.(error);
  }

  /** Ends the stream for what the peer did wrong on it, and throws anything else. */
  #refuse(error: unknown): void {
    if (!(error instanceof StreamError)) throw error;
    // What came before the fault can still be read, as before a Reset of the peer.
    this.#host.sendReset(this, error.code, error.message);
    this.abort(error);
  }

  #sendReasonPhrase(phrase: string): void {
    if (!this.#host.features.has("reason-phrases")) return;
    const payload = encodeReasonPhrase(phrase);
    if (payload !== null) this.#sending.control(FrameType.ReasonPhrase, 0, payload, false);
  }

  #isOver(): boolean {
    return this.#failed || (this.#sending.ended && this.#receiving.ended);
  }

  #fail(error: Error, drop: boolean): void {
    this.#failed = true;
    this.head?.reject(error);
    this.#sending.fail(error);
    this.#receiving.fail(error, drop);
    this.#finish();
  }

  #checkFinished(): void {
    if (this.#sending.ended && this.#receiving.ended) this.#finish();
  }

  #finish(): void {
    this.#receiving.release();
    this.#host.finished(this);
    this.onFinish?.();
  }
}

/** A stream that this side has opened, and the head that it waits for. */
export class OpenedStream {
  constructor(readonly stream: Stream, readonly head: PendingHead) {}

  /**
   * Resolves with the response head; rejects with a StreamError (`Timeout` after the head timeout, else as the peer's
   * Reset says) or a SessionError. Made for who asks: `head.receive` costs less.
   */
  get response(): Promise<ResponseHead> {
    return this.head.promise;
  }
}

const NOTHING = new Uint8Array(0);
