import { ChurnMap } from "./v8_memory.ts";
import { ErrorCode, SessionError } from "../wire/errors.ts";
import { Budget, ReceiveWindow, SendWindow } from "./flow_control.ts";
import type { PendingHead } from "./pending_head.ts";
import { frameName } from "../wire/frame.ts";
import {
  INITIAL_WINDOW,
  MAX_STREAM_ID,
  MAX_STREAMS,
  SESSION_BUDGET,
  SMALL_WINDOW,
} from "../wire/limits.ts";
import { Stream, type StreamHost } from "./stream.ts";

/** Which stream ids a session gives out. */
export interface StreamIds {
  /** The last one. */
  readonly last: number;
  /** How many before the last another session is asked for. */
  readonly margin: number;
}

/**
 * Every id that the wire has. The margin lasts a quarter of an hour at 20,000 requests a second, which is more than a
 * client or a node takes to open another session, even one that has to try again for a while.
 */
export const ALL_STREAM_IDS: StreamIds = { last: MAX_STREAM_ID, margin: 2 ** 24 };

/** Parts of what is spare of which a new stream gets one: each of a hundred at once gets more than `SMALL_WINDOW`. */
const SHARES = 32;

/** The streams of a session: gives out ids, each once and in order, and windows as the session's budget allows. */
export class StreamTable {
  readonly #host: StreamHost;
  readonly #streams = new ChurnMap<number, Stream>();
  readonly #budget = new Budget(SESSION_BUDGET);
  readonly #ids: StreamIds;
  #lastId = 0;

  constructor(host: StreamHost, ids: StreamIds) {
    this.#host = host;
    this.#ids = ids;
  }

  get size(): number {
    return this.#streams.size;
  }

  get full(): boolean {
    return this.#streams.size >= MAX_STREAMS;
  }

  /** The last id that was given out, or that the peer used. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The lowest id of a stream that is open; null when no stream is. */
  get oldest(): number | null {
    const [oldest = null] = this.#streams.keys();
    return oldest;
  }

  /** Whether only the margin of ids is left, or less. */
  get idsLow(): boolean {
    return this.#lastId >= this.#ids.last - this.#ids.margin;
  }

  /** Whether no id is left. */
  get idsSpent(): boolean {
    return this.#lastId >= this.#ids.last;
  }

  /** Opens a stream of this side, which waits for `head`. */
  open(type: number, sendEnded: boolean, head: PendingHead): Stream {
    // What stalled answers hold is not given to new streams as well.
    const share = Math.min(INITIAL_WINDOW, Math.floor(this.#budget.spare / SHARES));
    const isAmple = share > SMALL_WINDOW && this.#budget.tryTake(share);
    const window = isAmple ? share : SMALL_WINDOW;
    const stream = new Stream(this.#host, ++this.#lastId, type, {
      sendWindow: new SendWindow(INITIAL_WINDOW),
      receiveWindow: new ReceiveWindow(window, this.#budget, isAmple),
      head,
      receiveEnded: false,
      sendEnded,
    });
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /**
   * Notes the id of a stream that the peer opens.
   *
   * @throws {SessionError} `Protocol` for an id that is not above all earlier ones (as in RFC 9113 section 5.1.1).
   */
  claim(id: number): void {
    if (id <= this.#lastId) {
      throw new SessionError(ErrorCode.Protocol, `stream ${id} was opened after ${this.#lastId}`);
    }
    this.#lastId = id;
  }

  /** Adds the stream of a claimed id, which may be sent `window` bytes of answer. */
  accept(id: number, type: number, window: number, receiveEnded: boolean): Stream {
    const stream = new Stream(this.#host, id, type, {
      sendWindow: new SendWindow(window),
      receiveWindow: new ReceiveWindow(INITIAL_WINDOW, this.#budget, false),
      head: null,
      receiveEnded,
      sendEnded: false,
    });
    this.#streams.set(id, stream);
    return stream;
  }

  /**
   * Returns the stream that a frame is for; undefined when it is over.
   *
   * @throws {SessionError} `Protocol` when there never was such a stream.
   */
  find(type: number, id: number): Stream | undefined {
    const stream = this.#streams.get(id);
    if (stream === undefined && id > this.#lastId) {
      throw new SessionError(
        ErrorCode.Protocol,
        `an unexpected ${frameName(type)} on stream ${id}, which was never opened`,
      );
    }
    return stream;
  }

  /** Yields every stream; streams may end meanwhile. */
  *all(): Generator<Stream> {
    for (const [, stream] of this.#streams) yield stream;
  }

  delete(id: number): void {
    this.#streams.take(id);
  }

  /** Ends every stream because the session is over. */
  abort(error: SessionError): void {
    for (const [, stream] of [...this.#streams]) stream.abort(error);
  }
}
