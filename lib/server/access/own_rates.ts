import type { Rate } from "../../cli/flags.ts";
import { BoundedMap } from "../../net/bounded_map.ts";
import { Limiter } from "./limiter.ts";

/** Different rates that owners have set; where there are more, the one that was set up longest ago begins anew. */
const MAX_RATES = 1_000;

/** Counts requests by rates that the owners of tunnels have set: connections of one tunnel share one count. */
export class OwnRates {
  readonly #limiters = new BoundedMap<string, Limiter>(MAX_RATES);
  readonly #most: number;

  /** Takes how many tunnels are counted at most for each rate. */
  constructor({ most }: { readonly most: number }) {
    this.#most = most;
  }

  /** Takes a token of a tunnel and returns 0, or returns the milliseconds until there is one. */
  take(id: string, rate: Rate): number {
    const key = `${rate.count}/${rate.period}`;
    let limiter = this.#limiters.get(key);
    if (limiter === undefined) {
      limiter = new Limiter(rate, { most: this.#most });
      this.#limiters.set(key, limiter);
    }
    return limiter.take(id);
  }
}
