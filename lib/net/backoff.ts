export interface BackoffOptions {
  /** Longest first wait, in milliseconds. @default 500 */
  readonly first?: number;
  /** Longest wait of all, in milliseconds. @default 10_000 */
  readonly most?: number;
  /** Gives a number from 0 to below 1. @default Math.random */
  readonly random?: () => number;
}

/** Says how long to wait before each attempt: twice as long each time, up to a bound, with jitter. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #random: () => number;
  #step: number;

  constructor(
    { first = FIRST_STEP, most = LONGEST_STEP, random = Math.random }: BackoffOptions = {},
  ) {
    this.#first = first;
    this.#most = Math.max(first, most);
    this.#random = random;
    this.#step = first;
  }

  /**
   * Returns the milliseconds to wait now, from half of the step to the whole of it: clients that lost one server
   * together come back at different times, and each waits for a while.
   */
  next(): number {
    const step = this.#step;
    this.#step = Math.min(step * 2, this.#most);
    return Math.round(step / 2 + this.#random() * step / 2);
  }

  /** Starts from the first step again, after an attempt that held. */
  reset(): void {
    this.#step = this.#first;
  }
}

/** Milliseconds: a server that restarts is back in about this time. */
const FIRST_STEP = 500;

/** Milliseconds: what a visitor may have to wait, at worst, once the server can be reached again. */
const LONGEST_STEP = 10_000;
