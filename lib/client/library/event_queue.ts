import type { TunnelEvent } from "./tunnel_events.ts";

/** Events that wait for a loop that does not come round: beyond them the oldest are dropped. */
const MAX_WAITING = 1_000;

/** The events of a tunnel for one `for await` loop, from when the loop was begun. */
export class EventQueue implements AsyncIterableIterator<TunnelEvent> {
  readonly #waiting: TunnelEvent[] = [];
  readonly #onReturn: () => void;
  #takers: ((result: IteratorResult<TunnelEvent, undefined>) => void)[] = [];
  #hasEnded = false;

  /** @param onReturn is called when the loop is left. */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  push(event: TunnelEvent): void {
    if (this.#hasEnded) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) return taker({ done: false, value: event });
    this.#waiting.push(event);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  /** Ends the loop behind what waits. */
  end(): void {
    this.#hasEnded = true;
    for (const taker of this.#takers) taker(DONE);
    this.#takers = [];
  }

  next(): Promise<IteratorResult<TunnelEvent, undefined>> {
    const event = this.#waiting.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#hasEnded) return Promise.resolve(DONE);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  return(): Promise<IteratorResult<TunnelEvent, undefined>> {
    this.#waiting.length = 0;
    this.end();
    this.#onReturn();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
