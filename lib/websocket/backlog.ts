import type { Budget } from "../mux/flow_control.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";

/** Bytes that one socket may have waiting: its largest message, and what is on its way beside that. */
const MAX_WAITING = MAX_WEBSOCKET_MESSAGE + 16 * 1024 * 1024;

/**
 * Counts what one socket has brought and its stream has not taken yet. The first bytes are free; the rest
 * comes out of a budget that all sockets share, so those that flood can take from each other alone.
 */
export class Backlog {
  readonly #shared: Budget;
  readonly #free: number;
  #waiting = 0;
  #charged = 0;

  constructor(shared: Budget, free: number) {
    this.#shared = shared;
    this.#free = free;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Adds to what waits, unless that is too much, and says whether it did. */
  tryAdd(bytes: number): boolean {
    const waiting = this.#waiting + bytes;
    const charge = Math.max(0, waiting - this.#free);
    if (waiting > MAX_WAITING || !this.#shared.tryTake(charge - this.#charged)) return false;
    this.#charged = charge;
    this.#waiting = waiting;
    return true;
  }

  /** Takes off what the stream has taken, or nobody wants any more. */
  remove(bytes: number): void {
    this.#waiting -= bytes;
    const charge = Math.max(0, this.#waiting - this.#free);
    this.#shared.give(this.#charged - charge);
    this.#charged = charge;
  }
}
