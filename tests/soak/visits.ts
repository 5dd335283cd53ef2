/** Visits that are kept one by one: those of half an hour at 100 a second. */
const MAX_VISITS = 200_000;

/**
 * What became of a request: `refused` by an error page of the server, `cut` so that the visitor saw it, `silent` when
 * nothing came in 15 s. The last three must never be.
 */
export type Outcome = "right" | "refused" | "cut" | "silent" | "wrong" | "another's" | "cut unseen";

const NEVER: readonly Outcome[] = ["wrong", "another's", "cut unseen"];

/** One request; times are in milliseconds of `performance.now()`. */
export interface Visit {
  readonly kind: string;
  readonly began: number;
  readonly took: number;
  readonly outcome: Outcome;
  /** The status, or what the connection died of. */
  readonly reason: string;
}

/** What became of many requests. */
export class Visits {
  readonly #all: Visit[];
  /** Visits that were not kept. */
  dropped = 0;

  constructor(all: Visit[] = []) {
    this.#all = all;
  }

  get count(): number {
    return this.#all.length;
  }

  get failed(): number {
    return this.count - this.of("right").count;
  }

  /** Answers that no fault excuses. */
  get violations(): number {
    return this.#all.filter(({ outcome }) => NEVER.includes(outcome)).length;
  }

  /** Milliseconds that the slowest took. */
  get slowest(): number {
    return this.percentile(1);
  }

  /** When the last of them ended; 0 for none. */
  get lastEnd(): number {
    return this.#all.reduce((last, { began, took }) => Math.max(last, began + took), 0);
  }

  add(visit: Visit): void {
    if (this.#all.length < MAX_VISITS) this.#all.push(visit);
    else this.dropped++;
  }

  /** Returns those that began in a span of time. */
  between(from: number, to = Infinity): Visits {
    return new Visits(this.#all.filter(({ began }) => began >= from && began < to));
  }

  of(outcome: Outcome): Visits {
    return new Visits(this.#all.filter((visit) => visit.outcome === outcome));
  }

  ofKind(kind: string): Visits {
    return new Visits(this.#all.filter((visit) => visit.kind === kind));
  }

  /** Returns the milliseconds within which that part of them, from 0 to 1, had ended; NaN for none. */
  percentile(part: number): number {
    const sorted = this.#all.map(({ took }) => took).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
  }

  /** Tells how many failed, and of what. */
  toString(): string {
    const reasons = new Map<string, number>();
    for (const { outcome, reason } of this.#all) {
      if (outcome === "right") continue;
      const key = outcome === "refused" ? reason : `${outcome}`;
      reasons.set(key, (reasons.get(key) ?? 0) + 1);
    }
    const list = [...reasons].map(([reason, count]) => `${count} × ${reason}`).join(", ");
    return `${this.failed} of ${this.count} failed${list === "" ? "" : ` (${list})`}`;
  }
}
