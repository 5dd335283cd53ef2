import { BoundedMap } from "../../net/bounded_map.ts";

/** Names that one key may have: enough for a person's services, too few for a dictionary. */
export const MAX_NAMES_OF_KEY = 16;

/** Keys that are remembered; the one that asked longest ago is forgotten first. The owner of more keys could take names with each of them anyway. */
const MAX_KEYS = 10_000;

/** Counts the names that each key has taken, or had not long ago, as far as this node knows. */
export class NameQuotas {
  readonly #kept: number;
  /** Until when each name of a key counts, as `performance.now` tells time; the keys in the order of their last claims. */
  readonly #shares = new BoundedMap<string, Map<string, number>>(MAX_KEYS);

  /** @param kept milliseconds that a name counts after it was taken last. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#shares.size;
  }

  /** Counts a name as the key's from now on; returns false, and does nothing, when the key has too many others. */
  take(key: string, name: string): boolean {
    const share = this.#shares.get(key) ?? new Map<string, number>();
    const now = performance.now();
    for (const [other, end] of share) if (end <= now) share.delete(other);
    if (share.size >= MAX_NAMES_OF_KEY && !share.has(name)) return false;
    share.set(name, now + this.#kept);
    this.#shares.set(key, share);
    return true;
  }

  /** Stops counting a name, which turned out to be another key's. */
  giveBack(key: string, name: string): void {
    const share = this.#shares.get(key);
    share?.delete(name);
    if (share?.size === 0) this.#shares.delete(key);
  }
}
