/** Milliseconds that an answer on a new connection is waited for before idle ones are let go: most local answers begin sooner. */
const PATIENCE = 100;

/** An exchange whose answer has not begun. */
interface Waiting {
  /** In ms of `performance.now()`. */
  readonly since: number;
  /** Whether idle connections were let go for its sake already. */
  isTried: boolean;
}

/**
 * Watches the exchanges that wait on new connections, for an origin may serve one connection at a time: it answers none of
 * them as long as another one is idle.
 *
 * A slow answer looks the same. So idle connections are let go once for each exchange that waits, and once more when that
 * helped: when one of those begins to be answered for which they were let go.
 */
export class UnansweredExchanges<Exchange> {
  readonly #waiting = new Map<Exchange, Waiting>();
  readonly #closeIdle: () => boolean;
  #isStarved = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes what closes the idle connections, and tells whether there were any. */
  constructor(closeIdle: () => boolean) {
    this.#closeIdle = closeIdle;
  }

  /** Adds one that waits from now on. */
  add(exchange: Exchange): void {
    this.#waiting.set(exchange, { since: performance.now(), isTried: false });
    this.#timer ??= setTimeout(this.#look, PATIENCE);
  }

  /** Notes that one begins to be answered. */
  begun(exchange: Exchange): void {
    const hasHelped = this.#waiting.get(exchange)?.isTried ?? false;
    this.remove(exchange);
    if (!hasHelped) return;
    for (const waiting of this.#waiting.values()) {
      if (!waiting.isTried) continue;
      waiting.isTried = false;
      this.#isStarved = true;
    }
  }

  /** Forgets one that waits no more. */
  remove(exchange: Exchange): void {
    if (!this.#waiting.delete(exchange) || this.#waiting.size > 0) return;
    this.#isStarved = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Tells whether a connection that becomes idle now should be closed, for the sake of those that wait. */
  needIdle(): boolean {
    if (!this.#isStarved) return false;
    this.#markTried();
    return true;
  }

  readonly #look = (): void => {
    this.#timer = setTimeout(this.#look, PATIENCE);
    this.#isStarved = this.#patient().some(({ isTried }) => !isTried);
    if (this.#isStarved && this.#closeIdle()) this.#markTried();
  };

  #markTried(): void {
    this.#isStarved = false;
    for (const waiting of this.#patient()) waiting.isTried = true;
  }

  /** Returns those that have waited for long. */
  #patient(): Waiting[] {
    const since = performance.now() - PATIENCE;
    return [...this.#waiting.values()].filter((waiting) => waiting.since <= since);
  }
}
