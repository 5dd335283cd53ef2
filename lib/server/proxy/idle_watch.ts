/** Milliseconds without a byte of a request body after which it is given up: what nginx and others wait. */
export const BODY_IDLE_TIMEOUT = 60_000;

/** Looks at everything that waits within one timeout: what is given up has waited up to a twelfth longer. */
const TICKS = 12;

/** Something that may wait too long. */
export interface Waiting {
  /** The watch's `tick` when the wait began; null while nothing is waited for. */
  readonly waitingSince: number | null;
  /** Called once the wait has been too long. */
  onIdle(): void;
}

/** Ends waits that take too long: one timer for all of them, and nothing to be done at each step. */
export class IdleWatch {
  readonly #interval: number;
  readonly #watched = new Set<Waiting>();
  #tick = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(timeout: number = BODY_IDLE_TIMEOUT) {
    this.#interval = Math.ceil(timeout / TICKS);
  }

  /** The time, in twelfths of the timeout. */
  get tick(): number {
    return this.#tick;
  }

  /** How many are watched. */
  get size(): number {
    return this.#watched.size;
  }

  add(waiting: Waiting): void {
    this.#watched.add(waiting);
    this.#timer ??= setInterval(this.#look, this.#interval);
  }

  delete(waiting: Waiting): void {
    this.#watched.delete(waiting);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    this.#tick++;
    for (const waiting of this.#watched) {
      const since = waiting.waitingSince;
      // The first of the ticks may have come right after the wait began.
      if (since !== null && this.#tick - since > TICKS) waiting.onIdle();
    }
  };
}
