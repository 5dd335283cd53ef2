import { encodeHex } from "@std/encoding/hex";
import type { Rate } from "../flags.ts";
import { parseAddress } from "../ip_address.ts";

/** Addresses that are remembered: whoever has more of them than this has more than a limit for each could stop. */
const MAX_ADDRESSES = 10_000;

/** Bytes of an IPv6 address that say whose it is: a site gets a network of 64 bits at least (RFC 6177). */
const NETWORK_LENGTH = 8;

/** The prefix of an IPv4 address among those of IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED = "00000000000000000000ffff";

/**
 * Lets so many events of each address pass in a period: all at once, or spread over it.
 *
 * Of each address one number is kept, the time at which it will have used up nothing (the generic cell rate algorithm,
 * which decides as a token bucket does).
 */
export class AddressLimiter {
  readonly #period: number;
  /** Milliseconds that one event costs. */
  readonly #cost: number;
  /** In the order of the last event that passed. */
  readonly #idleAt = new Map<string, number>();

  constructor({ count, period }: Rate) {
    this.#period = period;
    this.#cost = period / count;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#idleAt.size;
  }

  /** Counts an event of an address; returns the milliseconds until the next may pass, 0 when this one does. */
  pass(address: string): number {
    const now = performance.now();
    const source = sourceOf(address);
    const idleAt = Math.max(this.#idleAt.get(source) ?? now, now) + this.#cost;
    const wait = idleAt - now - this.#period;
    // A hair's breadth is what sums of fractions are off by.
    if (wait > this.#cost / 1000) return wait;
    this.#idleAt.delete(source);
    this.#idleAt.set(source, idleAt);
    this.#forget(now);
    return 0;
  }

  /** Forgets the longest silent when they have used up nothing, and one of them in any case when there are too many. */
  #forget(now: number): void {
    for (const [source, idleAt] of this.#idleAt) {
      if (idleAt > now && this.#idleAt.size <= MAX_ADDRESSES) return;
      this.#idleAt.delete(source);
    }
  }
}

/** Returns what an address shares with the others of whoever has it: itself, or its network with IPv6. */
function sourceOf(address: string): string {
  const bytes = parseAddress(address);
  if (bytes === undefined) return "unknown";
  const hex = encodeHex(bytes);
  return hex.startsWith(MAPPED) ? hex : hex.slice(0, NETWORK_LENGTH * 2);
}
