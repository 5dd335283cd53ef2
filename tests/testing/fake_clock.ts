interface Timer {
  readonly id: number;
  readonly run: () => void;
  readonly every: number | undefined;
  at: number;
}

/** Stands in for timers, `Date.now` and `performance.now` within a scope: time passes only when the test says so. */
export class FakeClock implements Disposable {
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    performanceNow: performance.now,
    dateNow: Date.now,
  };
  readonly #timers = new Map<number, Timer>();
  #ids = 0;
  #now = 1_000_000;
  #wallAhead = 0;

  constructor() {
    const clear = (id: number): unknown => this.#timers.delete(id);
    Object.assign(globalThis, {
      setTimeout: (run: () => void, delay: number) => this.#start(run, delay, undefined),
      setInterval: (run: () => void, delay: number) => this.#start(run, delay, delay),
      clearTimeout: clear,
      clearInterval: clear,
    });
    performance.now = () => this.#now;
    Date.now = () => this.#now + this.#wallAhead;
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds, as `performance.now` tells them. */
  get now(): number {
    return this.#now;
  }

  /** Lets time pass, in milliseconds, and runs each timer when it is due. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#nextBefore(end); next; next = this.#nextBefore(end)) {
      this.#now = Math.max(this.#now, next.at);
      if (next.every === undefined) this.#timers.delete(next.id);
      else next.at += next.every;
      next.run();
    }
    this.#now = end;
  }

  /** Lets time pass in which nothing runs, in milliseconds, as while the process is stopped. */
  stop(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Lets the wall clock alone go on, as while a machine sleeps; it goes back by less than nothing. */
  sleep(milliseconds: number): void {
    this.#wallAhead += milliseconds;
  }

  [Symbol.dispose](): void {
    const { performanceNow, dateNow, ...timers } = this.#real;
    Object.assign(globalThis, timers);
    performance.now = performanceNow;
    Date.now = dateNow;
  }

  #start(run: () => void, delay: number, every: number | undefined): number {
    const id = ++this.#ids;
    this.#timers.set(id, { id, run, every, at: this.#now + delay });
    return id;
  }

  #nextBefore(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }
}
