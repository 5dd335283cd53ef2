import type { ConnectionBounds } from "../connection_bounds.ts";

/** What a visitor is waited for. */
export type Wait = "nothing" | "head" | "idle" | "stall";

/** Finds out whether something is waited for too long, without a clock between the looks at it. */
export class Patience {
  readonly #bounds: ConnectionBounds;
  #wait: Wait = "nothing";
  /** When this wait was first looked at, by the clock of the looks. */
  #since: number | null = null;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** Lets the present wait begin anew. */
  renew(): void {
    this.#since = null;
  }

  /** Tells whether this has been waited for too long, at a time in milliseconds. */
  isOver(wait: Wait, now: number): boolean {
    if (wait !== this.#wait || this.#since === null) this.#since = now;
    this.#wait = wait;
    return wait !== "nothing" && now - this.#since > this.#most(wait);
  }

  #most(wait: Exclude<Wait, "nothing">): number {
    const { headTimeout, keepaliveTimeout, stallTimeout } = this.#bounds;
    switch (wait) {
      case "head":
        return headTimeout;
      case "idle":
        return keepaliveTimeout;
      case "stall":
        return stallTimeout;
    }
  }
}
