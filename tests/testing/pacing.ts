/** Milliseconds between two looks at what is due. */
const TICK = 5;

/** Milliseconds whose share is begun at once at most: what was missed while the machine stood still, or too many were under way, is not made up for. */
const MAX_ARREARS = 100;

export interface PacingOptions {
  /** How many are begun in a second, however long each takes. */
  readonly rate: number;
  /** How many are under way at once: where each takes longer, the rate falls. */
  readonly maxInFlight: number;
}

/** Begins something at a steady rate until it is stopped; `begin` gets how many began before, and never rejects. */
export class Pacing {
  readonly #begin: (index: number) => Promise<void>;
  readonly #options: PacingOptions;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #started = performance.now();
  readonly #running: Promise<void>;
  #begun = 0;
  #isStopped = false;

  constructor(begin: (index: number) => Promise<void>, options: PacingOptions) {
    this.#begin = begin;
    this.#options = options;
    this.#running = this.#run();
  }

  /** Begins no more, waits for those under way and returns how many were begun in a second. */
  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#running;
    const seconds = (performance.now() - this.#started) / 1_000;
    await Promise.all(this.#inFlight);
    return this.#begun / seconds;
  }

  async #run(): Promise<void> {
    const { rate, maxInFlight } = this.#options;
    let last = this.#started;
    let due = 0;
    while (!this.#isStopped) {
      const now = performance.now();
      due = Math.min(due + (now - last) * rate / 1_000, Math.max(1, MAX_ARREARS * rate / 1_000));
      last = now;
      for (; due >= 1 && this.#inFlight.size < maxInFlight; due--) this.#next();
      await new Promise((resolve) => setTimeout(resolve, TICK));
    }
  }

  #next(): void {
    const one = this.#begin(this.#begun++);
    this.#inFlight.add(one);
    void one.then(() => this.#inFlight.delete(one));
  }
}
