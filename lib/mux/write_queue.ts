import { Batch } from "./batch.ts";
import type { RequestHead, ResponseHead } from "../http/head.ts";
import { FRAME_HEADER_LENGTH } from "../wire/frame.ts";
import { headLength, writtenRequest, writtenResponse } from "../wire/head.ts";
import { BATCH_LENGTH, MAX_TRANSPORT_MESSAGE } from "../wire/limits.ts";
import type { Transport } from "./transport.ts";

/** Bytes of body that a stream may put into a batch before it is the next one's turn. */
const QUANTUM = 64 * 1024;

/** Bytes of a frame beside its payload: the header, and the window of one that opens a stream. */
const FRAME_OVERHEAD = FRAME_HEADER_LENGTH + 4;

/** A stream with body data that waits. */
export interface WaitingSender {
  /** Appends frames of up to `limit` bytes of body, as far as there is credit; returns whether it could go on at once. */
  appendTo(batch: Batch, limit: number): boolean;
}

/**
 * Decides what a session sends next: control frames and heads at once, body data in turn.
 *
 * All that is appended in one turn of the event loop leaves as one transport message. While more
 * than `BATCH_LENGTH` is collected, or the socket is full, body data waits in its stream, and the
 * waiting streams are served in turn, one quantum each.
 */
export class WriteQueue {
  readonly #transport: Transport;
  readonly #batch = new Batch();
  #waiting: WaitingSender[] = [];
  #scheduled = false;
  #closed = false;
  readonly #flush = (): void => this.flush();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Appends a frame at once: one that never waits, or body data after a look at `open`. */
  control(type: number, flags: number, stream: number, payload: Uint8Array): void {
    if (this.#closed) return;
    this.#makeRoom(payload.length);
    this.#batch.append(type, flags, stream, payload);
    this.#schedule();
  }

  /** Appends the frame that opens a stream. @throws {StreamError} for a head that cannot be sent. */
  requestHead(
    type: number,
    flags: number,
    stream: number,
    window: number,
    head: RequestHead,
  ): void {
    if (this.#closed) return;
    const written = writtenRequest(head);
    this.#makeRoom(headLength(written));
    this.#batch.appendHead(type, flags, stream, window, written);
    this.#schedule();
  }

  /** Appends the frame that answers it, likewise. */
  responseHead(type: number, flags: number, stream: number, head: ResponseHead): void {
    if (this.#closed) return;
    const written = writtenResponse(head);
    this.#makeRoom(headLength(written));
    this.#batch.appendHead(type, flags, stream, null, written);
    this.#schedule();
  }

  /** Whether body data may be appended now; otherwise `wait`. */
  get open(): boolean {
    return this.#waiting.length === 0 && this.#batch.length < BATCH_LENGTH &&
      this.#transport.writable;
  }

  /** Puts a sender at the end of those that wait. */
  wait(sender: WaitingSender): void {
    if (this.#closed) return;
    this.#waiting.push(sender);
    this.#schedule();
  }

  /** Takes a sender out, as when its stream was reset. */
  forget(sender: WaitingSender): void {
    const at = this.#waiting.indexOf(sender);
    if (at !== -1) this.#waiting.splice(at, 1);
  }

  /** Sends what is collected and lets the waiting go on. */
  flush(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    if (this.#waiting.length > 0 && this.#transport.writable) this.#fill();
    if (this.#batch.length > 0) this.#transport.send(this.#batch.take());
    if (this.#waiting.length === 0) return;
    if (this.#transport.writable) this.#schedule();
    else this.#transport.notifyDrain();
  }

  /** Sends what is collected, drops all that waits, and sends nothing any more. */
  finish(): void {
    this.#waiting = [];
    this.flush();
    this.close();
  }

  /** Drops everything; nothing is sent any more. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  /** Sends what is collected when one more payload would make the message longer than the peer takes. */
  #makeRoom(payload: number): void {
    if (this.#batch.length + payload + FRAME_OVERHEAD <= MAX_TRANSPORT_MESSAGE) return;
    this.#transport.send(this.#batch.take());
  }

  #fill(): void {
    while (this.#batch.length < BATCH_LENGTH) {
      const sender = this.#waiting.shift();
      if (sender === undefined) return;
      if (sender.appendTo(this.#batch, QUANTUM)) this.#waiting.push(sender);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#transport.soon(this.#flush);
  }
}
