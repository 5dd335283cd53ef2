import type { Registry } from "./registry.ts";
import type { Absence, Unavailable, Upstream } from "./upstream.ts";

/** Requests that wait for a tunnel to come back, in all: each holds a connection and some kilobytes. */
const MAX_WAITING = 10_000;

/** The same for one hostname: no tunnel may take the places of all the others. */
const MAX_WAITING_PER_HOSTNAME = 5_000;

/** Milliseconds between looks at the other nodes while a request waits: a client may have gone to one of them. */
const LOOK_AGAIN = 250;

/**
 * Milliseconds after its start in which a server waits for hostnames that it never heard of as well: the clients of
 * the process before it are still on their way.
 */
const SETTLING = 15_000;

/** The other nodes, as far as they have tunnels. */
export interface Elsewhere {
  /** Finds a node that has the hostname: "away" when one should have it, or had it a moment ago. Never rejects. */
  find(hostname: string): Promise<Upstream | Absence>;
}

export interface UpstreamFinderOptions {
  readonly registry: Registry;
  /** null for a server that is alone. */
  readonly elsewhere: Elsewhere | null;
  /** Milliseconds to wait for a tunnel that was lost in the last minute. */
  readonly acquireTimeout: number;
  /** Whether the server stops, and no client comes back to it. */
  readonly isStopping: () => boolean;
}

/** Finds what can carry a request: a client's connection here, one on another node, or one that comes back in time. */
export class UpstreamFinder {
  readonly #options: UpstreamFinderOptions;
  readonly #started = performance.now();
  readonly #waiting = new Map<string, Set<() => void>>();
  #waitingTotal = 0;

  constructor(options: UpstreamFinderOptions) {
    this.#options = options;
    options.registry.observe({
      onJoined: (hostname) => this.#wake(hostname),
      // Those that wait for it learn that it said farewell.
      onGone: (hostname) => this.#wake(hostname),
    });
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#waitingTotal;
  }

  /**
   * Returns an upstream at once where there is one here, and else a promise of one, or of why there is none;
   * `since` is when a search that goes on began.
   */
  acquire(
    hostname: string,
    since = performance.now(),
  ): Upstream | Unavailable | Promise<Upstream | Unavailable> {
    const found = this.#options.registry.select(hostname);
    return typeof found === "string" && found !== "busy"
      ? this.#search(hostname, found, since)
      : found;
  }

  async #search(
    hostname: string,
    here: Unavailable,
    since: number,
  ): Promise<Upstream | Unavailable> {
    const { registry, elsewhere, acquireTimeout, isStopping } = this.#options;
    const deadline = since + acquireTimeout;
    let known: Unavailable = here;
    for (;;) {
      const there = await elsewhere?.find(hostname) ?? "unknown";
      if (typeof there !== "string") return there;
      const found = registry.select(hostname);
      if (typeof found !== "string" || found === "busy") return found;
      known = likeliest(there, found, known);
      if (known === "gone") return known;
      const left = deadline - performance.now();
      const isHopeless = elsewhere === null && isStopping();
      if (left <= 0 || isHopeless || (known === "unknown" && !this.#isSettling())) return known;
      if (!this.#hasRoom(hostname)) return "busy";
      await this.#arrival(hostname, elsewhere === null ? left : Math.min(left, LOOK_AGAIN));
    }
  }

  #isSettling(): boolean {
    return performance.now() - this.#started < SETTLING;
  }

  #hasRoom(hostname: string): boolean {
    const here = this.#waiting.get(hostname)?.size ?? 0;
    return this.#waitingTotal < MAX_WAITING && here < MAX_WAITING_PER_HOSTNAME;
  }

  /** Resolves when the hostname gets a client, or after `timeout` milliseconds. */
  #arrival(hostname: string, timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#waiting.get(hostname) ?? new Set();
      this.#waiting.set(hostname, waiters);
      const done = (): void => {
        clearTimeout(timer);
        waiters.delete(done);
        this.#waitingTotal--;
        if (waiters.size === 0) this.#waiting.delete(hostname);
        resolve();
      };
      const timer = setTimeout(done, timeout);
      waiters.add(done);
      this.#waitingTotal++;
    });
  }

  #wake(hostname: string): void {
    const waiters = this.#waiting.get(hostname);
    if (waiters === undefined) return;
    for (const wake of [...waiters]) wake();
  }
}

/** Joins what this node and the others know. A hostname that was known once does not become unknown while it is waited for. */
function likeliest(there: Absence, here: Absence, before: Unavailable): Absence {
  if (there === "away" || here === "away") return "away";
  if (there === "gone" || here === "gone") return "gone";
  return before === "away" ? "away" : "unknown";
}
