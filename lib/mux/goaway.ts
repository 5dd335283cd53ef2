import { ErrorCode } from "../wire/errors.ts";
import { encodeDisconnect, encodeGoaway } from "../wire/reasons.ts";
import { FrameType } from "../wire/frame.ts";
import type { WriteQueue } from "./write_queue.ts";

/** How far the two sides of a session have come in leaving each other: forewarned, draining, drained. */
export class Goaway {
  /** Resolves when both sides agree that no stream is open and none will be, or the session is over. */
  readonly done: Promise<void>;
  readonly #queue: WriteQueue;
  readonly #done = Promise.withResolvers<void>();
  /** The last stream before the peer was told to go elsewhere. */
  #lastBefore: number | null = null;
  #draining = false;
  #peerDraining = false;

  constructor(queue: WriteQueue) {
    this.#queue = queue;
    this.done = this.#done.promise;
  }

  /** Whether the peer was told to go elsewhere; until it is drained, the session can still be used. */
  get forewarned(): boolean {
    return this.#lastBefore !== null;
  }

  /** Whether either side wants no new streams. */
  get draining(): boolean {
    return this.#draining || this.#peerDraining;
  }

  /** Whether a stream was opened before the peer was told to go elsewhere. */
  isFromBefore(stream: number): boolean {
    return this.#lastBefore !== null && stream <= this.#lastBefore;
  }

  /** Tells the peer to go elsewhere, once; `lastStream` is the last that was opened. */
  goAway(reason: string, lastStream: number): void {
    if (this.forewarned || this.#draining) return;
    this.#lastBefore = lastStream;
    this.#send(encodeGoaway(ErrorCode.GoingAway, reason));
  }

  /** Tells the peer to open no more streams, once. */
  drain(reason: string): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#send(encodeDisconnect({ code: ErrorCode.GoingAway, drain: true, reason }));
  }

  /** Notes that the peer opens no more streams, and tells it that none of ours is on its way any more either. */
  peerDrains(): void {
    this.#peerDraining = true;
    this.drain("as asked");
  }

  /** Looks whether they are done; `streams` are open. */
  check(streams: number): void {
    if (this.#draining && this.#peerDraining && streams === 0) this.finish();
  }

  /** Ends the wait: the session is drained, or over. */
  finish(): void {
    // Whoever waited closes next, and the last frames belong before that.
    this.#queue.flush();
    this.#done.resolve();
  }

  #send(payload: Uint8Array): void {
    this.#queue.control(FrameType.Disconnect, 0, 0, payload);
  }
}
