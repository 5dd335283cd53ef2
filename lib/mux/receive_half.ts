import type { Field } from "../http/fields.ts";
import { ErrorCode, SessionError, StreamError } from "../wire/errors.ts";
import { aFrame, FrameFlag, frameName, FrameType } from "../wire/frame.ts";
import type { ReceiveWindow } from "./flow_control.ts";
import { MESSAGE_COST } from "../wire/limits.ts";
import { type Chunk, ReceiveQueue } from "./receive_queue.ts";

/** Returns the credit that a frame takes, in bytes. */
export function creditOf(type: number, length: number): number {
  if (type === FrameType.WSTeardown) return 0;
  return type === FrameType.WSMessage ? length + MESSAGE_COST : length;
}

interface Reader {
  readonly resolve: (chunk: Chunk | null) => void;
  readonly reject: (error: Error) => void;
}

/** The side of a stream that the peer fills: checks the order of its frames and keeps them for a reader. */
export class ReceiveHalf {
  readonly #window: ReceiveWindow;
  readonly #sendCredit: (credit: number) => void;
  readonly #queue = new ReceiveQueue();
  /** Bytes of body that were announced and have not come; infinite where nothing was. */
  #awaited = Infinity;
  #headAllowed: boolean;
  #ended: boolean;
  #trailers: readonly Field[] | null = null;
  #reader: Reader | null = null;
  #error: Error | null = null;
  #dropped = false;

  constructor(options: {
    readonly window: ReceiveWindow;
    /** Whether a response head is still to come. */
    readonly expectsHead: boolean;
    readonly ended: boolean;
    readonly sendCredit: (credit: number) => void;
  }) {
    this.#window = options.window;
    this.#headAllowed = options.expectsHead;
    this.#ended = options.ended;
    this.#sendCredit = options.sendCredit;
  }

  /** Bytes that the peer may send at a time. */
  get window(): number {
    return this.#window.size;
  }

  /** Whether the peer has sent all of it; some may still wait to be read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The fields behind the body, once it has ended; null for none. */
  get trailers(): readonly Field[] | null {
    return this.#trailers;
  }

  /**
   * Returns the next chunk, null at the end, or a promise when it has not come yet.
   *
   * @throws {StreamError | SessionError} when it was cut before its end.
   */
  read(): Chunk | null | Promise<Chunk | null> {
    const chunk = this.readNow();
    if (chunk !== undefined) return chunk;
    // An answer that was dropped before it was read must not look complete.
    if (this.#error !== null && (this.#dropped || !this.#ended)) throw this.#error;
    if (this.#ended) return null;
    return new Promise((resolve, reject) => this.#reader = { resolve, reject });
  }

  /** Returns the next chunk if it is here already. */
  readNow(): Chunk | undefined {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) this.#consumed(chunk);
    return chunk;
  }

  /**
   * Notes how many bytes of body were announced.
   *
   * @throws {StreamError} `Protocol` when it has ended before; `take` throws it for a body that is not as long.
   */
  expect(length: number): void {
    this.#awaited = length;
    if (this.#ended) this.#checkLength();
  }

  /** Checks that a frame may come which stands before the response head. */
  checkBeforeHead(type: number): void {
    if (this.#headAllowed) return;
    throw new SessionError(ErrorCode.Protocol, `${aFrame(type)} behind the head`);
  }

  /** Takes the response head. */
  takeHead(end: boolean): void {
    if (!this.#headAllowed) throw new SessionError(ErrorCode.Protocol, "a second head");
    this.#headAllowed = false;
    if (end) this.#end();
  }

  /** Takes a frame of body, a message or a teardown. @throws {StreamError} as `expect` says. */
  take(type: number, flags: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#checkWithin(type);
    const end = type === FrameType.Data && (flags & FrameFlag.EndStream) !== 0;
    if (bytes.length === 0 && end) {
      this.#checkLength();
      this.#end();
      return;
    }
    if (bytes.length === 0 && (type === FrameType.Data || (flags & FrameFlag.More) !== 0)) {
      throw new SessionError(
        ErrorCode.Protocol,
        `an empty ${frameName(type)} that does not end anything`,
      );
    }
    const cost = creditOf(type, bytes.length);
    this.#window.receive(cost);
    if (bytes.length > this.#awaited) throw notAsAnnounced("goes on beyond");
    this.#awaited -= bytes.length;
    this.#deliver({ type, flags: flags & ~FrameFlag.EndStream, bytes, cost });
    if (end) this.#checkLength();
    if (end || type === FrameType.WSTeardown) this.#end();
  }

  /** Takes the fields behind the body, whose end is to come. */
  takeTrailers(fields: readonly Field[]): void {
    this.#checkWithin(FrameType.Trailers);
    if (this.#trailers !== null) throw new SessionError(ErrorCode.Protocol, "second Trailers");
    this.#trailers = fields;
  }

  /** Ends it with an error; `drop` says that what was not read is dropped as well. */
  fail(error: Error, drop: boolean): void {
    this.#error = error;
    this.#dropped = drop;
    if (drop) this.#queue.clear();
    this.#reader?.reject(error);
    this.#reader = null;
  }

  /** Moves what waits for a reader that takes nothing into memory of its own; to be called about once a second. */
  settle(): void {
    this.#queue.settle();
  }

  /** Gives its share of the session's budget back. */
  release(): void {
    this.#window.release();
  }

  #checkWithin(type: number): void {
    if (!this.#headAllowed && !this.#ended) return;
    const when = this.#ended ? "after its end" : "before its head";
    throw new SessionError(ErrorCode.Protocol, `${aFrame(type)} on a stream ${when}`);
  }

  #checkLength(): void {
    if (this.#awaited > 0 && this.#awaited !== Infinity) throw notAsAnnounced("ended before");
  }

  #deliver(chunk: Chunk): void {
    const reader = this.#reader;
    if (reader === null) {
      this.#queue.push(chunk.type, chunk.flags, chunk.bytes, chunk.cost);
      return;
    }
    this.#reader = null;
    this.#consumed(chunk);
    reader.resolve(chunk);
  }

  #consumed({ cost }: Chunk): void {
    if (this.#ended || this.#error !== null) return;
    const credit = this.#window.consume(cost, this.#queue.empty);
    if (credit > 0) this.#sendCredit(credit);
  }

  #end(): void {
    this.#ended = true;
    this.#reader?.resolve(null);
    this.#reader = null;
  }
}

function notAsAnnounced(what: string): StreamError {
  return new StreamError(ErrorCode.Protocol, `the body ${what} its announced length`);
}
