import type { ResponseHead } from "../http/head.ts";
import type { Batch } from "./batch.ts";
import { ErrorCode, StreamError } from "../wire/errors.ts";
import { FrameFlag, FrameType } from "../wire/frame.ts";
import type { SendWindow } from "./flow_control.ts";
import { MAX_DATA_LENGTH } from "../wire/limits.ts";
import { creditOf } from "./receive_half.ts";
import type { WaitingSender, WriteQueue } from "./write_queue.ts";

interface PendingWrite {
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  offset: number;
}

/** The half of a stream that this side fills: one write at a time, as far as window and socket have room. */
export class SendHalf implements WaitingSender {
  readonly #stream: number;
  readonly #queue: WriteQueue;
  readonly #window: SendWindow;
  readonly #onEnd: () => void;
  #pending: PendingWrite | null = null;
  /** Who waits for credit with nothing to send yet. */
  #awaiting: PromiseWithResolvers<number> | null = null;
  #queued = false;
  #ended: boolean;
  #error: Error | null = null;

  constructor(options: {
    readonly stream: number;
    readonly queue: WriteQueue;
    readonly window: SendWindow;
    readonly ended: boolean;
    /** Called when the last frame is in the queue. */
    readonly onEnd: () => void;
  }) {
    this.#stream = options.stream;
    this.#queue = options.queue;
    this.#window = options.window;
    this.#ended = options.ended;
    this.#onEnd = options.onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Sends a frame that needs no credit; `end` says that it is the last. */
  control(type: number, flags: number, payload: Uint8Array, end: boolean): void {
    this.check();
    this.#queue.control(type, flags, this.#stream, payload);
    if (end) this.#end();
  }

  /** Sends a response head; `end` says that it is the last frame. */
  responseHead(type: number, head: ResponseHead, end: boolean): void {
    this.check();
    this.#queue.responseHead(type, end ? FrameFlag.EndStream : 0, this.#stream, head);
    if (end) this.#end();
  }

  /** Sends a payload that needs credit, at once and without a promise where there is room. */
  write(type: number, flags: number, bytes: Uint8Array): void | Promise<void> {
    this.check();
    const cost = creditOf(type, bytes.length);
    const fits = bytes.length <= MAX_DATA_LENGTH && cost <= this.#window.available;
    if (fits && this.#queue.open) {
      this.#window.spend(cost);
      this.#queue.control(type, flags, this.#stream, bytes);
      if ((flags & FrameFlag.EndStream) !== 0) this.#end();
      return;
    }
    return new Promise((resolve, reject) => {
      this.#pending = { type, flags, bytes, resolve, reject, offset: 0 };
      this.#enqueue();
    });
  }

  /**
   * Returns how many bytes of credit there are, or a promise of it when there is none.
   *
   * @throws {StreamError | SessionError} as `check` does.
   */
  credit(): number | Promise<number> {
    this.check();
    const { available } = this.#window;
    if (available > 0) return available;
    this.#awaiting ??= Promise.withResolvers();
    return this.#awaiting.promise;
  }

  /** @throws {StreamError | SessionError} when nothing can be sent now. */
  check(): void {
    if (this.#error !== null) throw this.#error;
    if (!this.#ended && this.#pending === null) return;
    const why = this.#ended ? "this side has ended" : "a write is under way";
    throw new StreamError(ErrorCode.Internal, `stream ${this.#stream} cannot send: ${why}`);
  }

  /**
   * Takes credit from the peer and tells whether it is for body that was sent while more is to come: any other says
   * nothing of the request, and a peer could put its answer off with it for ever.
   */
  addCredit(credit: number): boolean {
    const isProgress = !this.#ended && this.#window.owed > 0;
    this.#window.add(credit);
    if (this.#pending !== null) this.#enqueue();
    else if (this.#awaiting !== null) {
      this.#awaiting.resolve(this.#window.available);
      this.#awaiting = null;
    }
    return isProgress;
  }

  /** Ends it with an error; what was not sent is dropped. */
  fail(error: Error): void {
    this.#error = error;
    this.#queue.forget(this);
    this.#pending?.reject(error);
    this.#pending = null;
    this.#awaiting?.reject(error);
    this.#awaiting = null;
  }

  appendTo(batch: Batch, limit: number): boolean {
    this.#queued = false;
    const pending = this.#pending;
    if (pending === null) return false;
    const overhead = creditOf(pending.type, 0);
    let room = limit;
    while (room > 0) {
      const rest = pending.bytes.length - pending.offset;
      const length = Math.min(rest, MAX_DATA_LENGTH, room, this.#window.available - overhead);
      if (length < 0 || (length === 0 && rest > 0)) return false;
      room -= length;
      this.#appendFrame(batch, pending, length);
      if (length === rest) {
        this.#finish(pending);
        return false;
      }
    }
    this.#queued = this.#window.available > overhead;
    return this.#queued;
  }

  #appendFrame(batch: Batch, pending: PendingWrite, length: number): void {
    const { type, bytes, offset } = pending;
    const part = bytes.subarray(offset, offset + length);
    pending.offset += length;
    this.#window.spend(creditOf(type, length));
    batch.append(type, flagsOf(pending), this.#stream, part);
  }

  #finish(pending: PendingWrite): void {
    this.#pending = null;
    if ((pending.flags & FrameFlag.EndStream) !== 0) this.#end();
    pending.resolve();
  }

  #enqueue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#queue.wait(this);
  }

  #end(): void {
    this.#ended = true;
    this.#onEnd();
  }
}

/** Returns the flags of the frame that ends at `offset`: the last frame alone says that the stream ends. */
function flagsOf({ type, flags, bytes, offset }: PendingWrite): number {
  if (offset === bytes.length) return flags;
  return type === FrameType.WSMessage ? flags | FrameFlag.More : 0;
}
