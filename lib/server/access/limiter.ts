import type { Rate } from "../../cli/flags.ts";
import { BoundedMap } from "../../net/bounded_map.ts";

/** Full buckets that are forgotten with each token: more than one, so that they go faster than new ones come. */
const MAX_FORGOTTEN = 4;

/**
 * Milliseconds by which a token may come early: times are sums of fractions, and rounding must not cost a token.
 */
const ROUNDING = 0.001;

/**
 * Gives each name a bucket of tokens: so many at once, and then one whenever its share of the period has passed.
 *
 * It keeps the time at which each bucket will be full again, and forgets full ones; so a name that is quiet
 * for a period takes no memory.
 */
export class Limiter {
  readonly #interval: number;
  readonly #slack: number;
  /** In the order of the last token that was taken. */
  readonly #fullAt: BoundedMap<string, number>;

  constructor(
    { count, period }: Rate,
    { most }: { /** Names that are kept, at some 100 bytes each. */ readonly most: number },
  ) {
    this.#interval = period / count;
    this.#slack = period - this.#interval + ROUNDING;
    this.#fullAt = new BoundedMap(most);
  }

  /** Names that are kept now. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes a token of the name and returns 0, or returns the milliseconds until there is one. */
  take(name: string): number {
    const now = performance.now();
    const start = Math.max(now, this.#fullAt.get(name) ?? now);
    const wait = start - now - this.#slack;
    if (wait > 0) return wait;
    this.#forgetFull(now);
    this.#fullAt.set(name, start + this.#interval);
    return 0;
  }

  #forgetFull(now: number): void {
    let forgotten = 0;
    for (const [name, fullAt] of this.#fullAt) {
      if (fullAt > now || forgotten++ === MAX_FORGOTTEN) return;
      this.#fullAt.delete(name);
    }
  }
}
