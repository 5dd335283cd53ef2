import type { Batch } from "./batch.ts";
import { ErrorCode, SessionError, StreamError } from "./errors.ts";
import { Flag, frameName, FrameType } from "./frame.ts";
import { ReceiveWindow, SendWindow } from "./flow.ts";
import { MAX_DATA_LENGTH } from "./limits.ts";
import type { HeadFrame } from "./pending_heads.ts";
import { type Chunk, ReceiveQueue } from "./receive_queue.ts";
import type { WaitingSender, WriteQueue } from "./write_queue.ts";

/** Bytes of credit that a WSMessage frame costs beside its payload: empty messages must not be free, for each takes memory. */
export const MESSAGE_COST = 64;

/** What a stream needs of its session. */
export interface StreamHost {
  readonly queue: WriteQueue;
  /** The stream sent body: its request is making progress. */
  progressed(stream: Stream): void;
  /** The stream is over and its id is never used again. */
  finished(stream: Stream): void;
  sendWindow(stream: Stream, credit: number): void;
  sendReset(stream: Stream, code: number, reason: string): void;
}

interface Reader {
  readonly resolve: (chunk: Chunk | null) => void;
  readonly reject: (error: Error) => void;
}

interface PendingWrite {
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  offset: number;
}

/** One exchange: a head and a body each way, under flow control in both directions. */
export class Stream implements WaitingSender {
  /** Called once when the stream ends before both sides are complete: by a Reset from the peer, or with its session. */
  onAbort: ((error: Error) => void) | null = null;

  readonly #host: StreamHost;
  readonly #sendWindow: SendWindow;
  readonly #receiveWindow: ReceiveWindow;
  readonly #received = new ReceiveQueue();
  #reader: Reader | null = null;
  #pending: PendingWrite | null = null;
  #queued = false;
  #headAllowed: boolean;
  #sendEnded = false;
  #receiveEnded = false;
  #error: Error | null = null;
  #dropped = false;

  constructor(
    host: StreamHost,
    readonly id: number,
    /** What opened the stream: HTTPRequest or WSRequest, with the head's JSON on the side that accepts it. */
    readonly opening: HeadFrame,
    options: {
      readonly sendWindow: SendWindow;
      readonly receiveWindow: ReceiveWindow;
      /** Whether a response head is still to come from the peer. */
      readonly expectsHead: boolean;
      readonly receiveEnded: boolean;
      readonly sendEnded: boolean;
    },
  ) {
    this.#host = host;
    this.#sendWindow = options.sendWindow;
    this.#receiveWindow = options.receiveWindow;
    this.#headAllowed = options.expectsHead;
    this.#receiveEnded = options.receiveEnded;
    this.#sendEnded = options.sendEnded;
  }

  /** Whether nothing more can be sent, because it was ended or the stream is over. */
  get sendEnded(): boolean {
    return this.#sendEnded || this.#error !== null;
  }

  /** Whether the peer has sent all of its body; some may still wait to be read. */
  get receiveEnded(): boolean {
    return this.#receiveEnded;
  }

  /**
   * Returns the next chunk, null at the end, or a promise of it when none has come yet.
   *
   * @throws {StreamError | SessionError} when the stream was cut before its end.
   */
  read(): Chunk | null | Promise<Chunk | null> {
    const chunk = this.#received.shift();
    if (chunk !== undefined) {
      this.#consumed(chunk);
      return chunk;
    }
    // An answer that was dropped unread must not look complete.
    if (this.#error !== null && (this.#dropped || !this.#receiveEnded)) throw this.#error;
    if (this.#receiveEnded) return null;
    return new Promise((resolve, reject) => this.#reader = { resolve, reject });
  }

  /** Returns the next chunk if it is here already, without waiting. */
  readNow(): Chunk | undefined {
    return this.#received.empty ? undefined : this.#shiftConsumed();
  }

  /** Sends a response head; `end` says that no body follows. */
  respond(type: number, payload: Uint8Array, end: boolean): void {
    this.#checkSendable();
    this.#host.queue.control(type, end ? Flag.EndStream : 0, this.id, payload);
    if (end) this.#endSend();
  }

  /**
   * Sends body bytes; they are copied before this returns, or before the promise it returns is
   * fulfilled, which is when the window and the socket had room. One write at a time.
   *
   * @throws {StreamError | SessionError} when the stream is over.
   */
  write(bytes: Uint8Array): void | Promise<void> {
    if (bytes.length === 0) return this.#checkSendable();
    return this.#write(FrameType.Data, 0, bytes);
  }

  /** Sends one WebSocket message, in several frames where it is long; waits as `write` does. */
  writeMessage(bytes: Uint8Array, text: boolean): void | Promise<void> {
    return this.#write(FrameType.WSMessage, text ? Flag.Text : 0, bytes);
  }

  /** Sends the last bytes of the body and ends this side; waits as `write` does. */
  end(bytes: Uint8Array = NOTHING): void | Promise<void> {
    if (bytes.length === 0) {
      this.#checkSendable();
      this.#host.queue.control(FrameType.Data, Flag.EndStream, this.id, NOTHING);
      this.#endSend();
      return;
    }
    return this.#write(FrameType.Data, Flag.EndStream, bytes);
  }

  /** Sends the close code and reason of a WebSocket and ends this side. */
  teardown(payload: Uint8Array): void {
    this.#checkSendable();
    this.#host.queue.control(FrameType.WSTeardown, 0, this.id, payload);
    this.#endSend();
  }

  /** Ends the stream at once and tells the peer why; does nothing when it is over. */
  reset(code: number, reason = ""): void {
    if (this.#over()) return;
    this.#host.sendReset(this, code, reason);
    this.#dropped = true;
    this.#received.clear();
    this.#fail(new StreamError(code, reason === "" ? "the stream was reset" : reason));
  }

  /** Takes the response head that the session has received. */
  receiveHead(end: boolean): void {
    if (!this.#headAllowed) {
      throw new SessionError(ErrorCode.Protocol, `a second head on stream ${this.id}`);
    }
    this.#headAllowed = false;
    if (end) this.#endReceive();
  }

  /** Takes a frame of body, a message or a teardown that the session has received. */
  receive(type: number, flags: number, bytes: Uint8Array): void {
    if (this.#headAllowed || this.#receiveEnded) {
      const when = this.#receiveEnded ? "after its end" : "before its head";
      throw new SessionError(ErrorCode.Protocol, `a body frame on stream ${this.id} ${when}`);
    }
    if (type !== FrameType.Data && this.opening.type === FrameType.HTTPRequest) {
      throw new SessionError(ErrorCode.Protocol, `a ${frameName(type)} on an HTTP stream`);
    }
    const end = type === FrameType.Data && (flags & Flag.EndStream) !== 0;
    if (type === FrameType.Data && bytes.length === 0) {
      if (!end) throw new SessionError(ErrorCode.Protocol, "an empty Data frame that ends nothing");
      this.#endReceive();
      return;
    }
    if (bytes.length === 0 && (flags & Flag.More) !== 0) {
      throw new SessionError(ErrorCode.Protocol, "a part of a message that holds nothing");
    }
    const cost = costOf(type, bytes.length);
    this.#receiveWindow.receive(cost);
    const chunk = { type, flags: flags & ~Flag.EndStream, bytes, cost };
    const reader = this.#reader;
    if (reader === null) {
      this.#received.push(type, chunk.flags, bytes, cost);
    } else {
      this.#reader = null;
      this.#consumed(chunk);
      reader.resolve(chunk);
    }
    if (end || type === FrameType.WSTeardown) this.#endReceive();
  }

  /** Takes credit that the session has received. */
  receiveWindow(credit: number): void {
    this.#sendWindow.add(credit);
    this.#host.progressed(this);
    if (this.#pending !== null) this.#enqueue();
  }

  /** Ends the stream because the peer reset it, or with its session; what was received can still be read. */
  abort(error: Error): void {
    if (this.#over()) return;
    this.#fail(error);
    this.onAbort?.(error);
  }

  appendTo(batch: Batch, limit: number): boolean {
    this.#queued = false;
    const pending = this.#pending;
    if (pending === null) return false;
    const bytes = pending.bytes;
    const overhead = costOf(pending.type, 0);
    let room = limit;
    do {
      const rest = bytes.length - pending.offset;
      const length = Math.min(rest, MAX_DATA_LENGTH, room, this.#sendWindow.available - overhead);
      if (length < 0 || (length === 0 && rest > 0)) break;
      const last = length === rest;
      batch.append(
        pending.type,
        frameFlags(pending, last),
        this.id,
        bytes.subarray(pending.offset, pending.offset + length),
      );
      this.#sendWindow.spend(length + overhead);
      pending.offset += length;
      room -= length;
      if (last) {
        this.#pending = null;
        if ((pending.flags & Flag.EndStream) !== 0) this.#endSend();
        pending.resolve();
        return false;
      }
    } while (room > 0);
    this.#queued = this.#sendWindow.available > overhead;
    return this.#queued;
  }

  #write(type: number, flags: number, bytes: Uint8Array): void | Promise<void> {
    this.#checkSendable();
    this.#host.progressed(this);
    const fits = bytes.length <= MAX_DATA_LENGTH &&
      costOf(type, bytes.length) <= this.#sendWindow.available;
    if (fits && this.#host.queue.open) {
      this.#sendWindow.spend(costOf(type, bytes.length));
      this.#host.queue.data(type, flags, this.id, bytes);
      if ((flags & Flag.EndStream) !== 0) this.#endSend();
      return;
    }
    return new Promise((resolve, reject) => {
      this.#pending = { type, flags, bytes, resolve, reject, offset: 0 };
      this.#enqueue();
    });
  }

  #enqueue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#host.queue.wait(this);
  }

  #shiftConsumed(): Chunk | undefined {
    const chunk = this.#received.shift();
    if (chunk !== undefined) this.#consumed(chunk);
    return chunk;
  }

  #consumed(chunk: Chunk): void {
    if (this.#receiveEnded || this.#error !== null) return;
    const credit = this.#receiveWindow.consume(chunk.cost, this.#received.empty);
    if (credit > 0) this.#host.sendWindow(this, credit);
  }

  #checkSendable(): void {
    if (this.#error !== null) throw this.#error;
    if (this.#sendEnded || this.#pending !== null) {
      const why = this.#sendEnded ? "this side has ended" : "a write is under way";
      throw new StreamError(ErrorCode.Internal, `stream ${this.id} cannot send: ${why}`);
    }
  }

  #endSend(): void {
    this.#sendEnded = true;
    if (this.#receiveEnded) this.#finish();
  }

  #endReceive(): void {
    this.#receiveEnded = true;
    this.#reader?.resolve(null);
    this.#reader = null;
    if (this.#sendEnded) this.#finish();
  }

  #over(): boolean {
    return this.#error !== null || (this.#sendEnded && this.#receiveEnded);
  }

  #finish(): void {
    this.#receiveWindow.release();
    this.#host.finished(this);
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#host.queue.forget(this);
    this.#finish();
    this.#pending?.reject(error);
    this.#pending = null;
    this.#reader?.reject(error);
    this.#reader = null;
  }
}

const NOTHING = new Uint8Array(0);

/** Returns the credit that a frame takes. */
function costOf(type: number, length: number): number {
  if (type === FrameType.WSTeardown) return 0;
  return type === FrameType.WSMessage ? length + MESSAGE_COST : length;
}

function frameFlags(pending: PendingWrite, last: boolean): number {
  if (last) return pending.flags;
  return pending.type === FrameType.WSMessage ? pending.flags | Flag.More : 0;
}
