import { ErrorCode } from "../wire/errors.ts";
import { FrameType } from "../wire/frame.ts";
import { type DisconnectReason, encodeDisconnect } from "../wire/reasons.ts";
import type { WriteQueue } from "./write_queue.ts";

/**
 * How far the two sides of a session have come in its orderly end.
 *
 * A GOAWAY asks the peer to go elsewhere and changes nothing else. A drain says that its sender wants no new streams;
 * the peer answers with a drain of its own, and when the last stream is finished the session is drained.
 */
export class Goaway {
  /** Resolves when the session is drained, or over. */
  readonly done: Promise<void>;
  readonly #queue: WriteQueue;
  readonly #done = Promise.withResolvers<void>();
  /** The last stream that was opened when the peer was last asked to go elsewhere; null before that. */
  #lastBefore: number | null = null;
  #draining = false;
  #peerDraining = false;
  #hasPeerLeft = false;

  constructor(queue: WriteQueue) {
    this.#queue = queue;
    this.done = this.#done.promise;
  }

  /** Whether the peer was asked to go elsewhere; until it is drained, the session can still be used. */
  get leaving(): boolean {
    return this.#lastBefore !== null;
  }

  /** Whether either side wants no new streams. */
  get draining(): boolean {
    return this.#draining || this.#peerDraining;
  }

  /** Whether the peer has said farewell: it stops, and was not asked to. */
  get hasPeerLeft(): boolean {
    return this.#hasPeerLeft;
  }

  /** Whether a stream was opened before the peer was last asked to go elsewhere. */
  isFromBefore(stream: number): boolean {
    return this.#lastBefore !== null && stream <= this.#lastBefore;
  }

  /** Asks the peer to go elsewhere; it is told once, however many reasons there are. `lastStream` is the last that was opened. */
  goAway(reason: string, lastStream: number): void {
    if (this.#draining) return;
    const isFirst = !this.leaving;
    this.#lastBefore = lastStream;
    if (isFirst) this.#send("goaway", reason);
  }

  /** Tells the peer that this side wants no new streams, once. */
  drain(reason: string): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#send("drain", reason);
  }

  /** Notes that the peer wants no new streams, and tells it that this side opens none from now on. */
  peerDrains(): void {
    this.#peerDraining = true;
    if (!this.#draining) this.peerLeaves();
    this.drain("as asked");
  }

  /** Notes a farewell of the peer. */
  peerLeaves(): void {
    this.#hasPeerLeft = true;
  }

  /** Looks whether the session is drained; `streams` are open. */
  check(streams: number): void {
    if (this.#draining && this.#peerDraining && streams === 0) this.finish();
  }

  /** Ends the wait: the session is drained, or over. */
  finish(): void {
    // The owner closes next, and the last frames belong before that.
    this.#queue.flush();
    this.#done.resolve();
  }

  #send(kind: DisconnectReason["kind"], reason: string): void {
    const payload = encodeDisconnect({ code: ErrorCode.GoingAway, kind, reason });
    this.#queue.control(FrameType.Disconnect, 0, 0, payload);
  }
}
