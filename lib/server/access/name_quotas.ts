import { BoundedMap } from "../../net/bounded_map.ts";

/** Names that one key may have: enough for a person's services, too few for a dictionary. */
export const MAX_NAMES_OF_KEY = 16;

/** Keys that are remembered; the one that asked longest ago is forgotten first. The owner of more keys could take names with each of them anyway. */
const MAX_KEYS = 10_000;

/** Counts the names that each key has taken, or had not long ago, as far as this node knows. */
export class NameQuotas {
  readonly #kept: number;
  /** Until when each name of a key counts, as `performance.now` tells time; the keys in the order of their last claims. */
  readonly #names = new BoundedMap<string, Map<string, number>>(MAX_KEYS);

  /** @param kept milliseconds that a name counts after it was taken last. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#names.size;
  }

  /** Counts a name as the key's from now on; returns false, and does nothing, when the key has too many others. */
  take(key: string, name: string): boolean {
    const names = this.#names.get(key) ?? new Map<string, number>();
    const now = performance.now();
    for (const [other, end] of names) if (end <= now) names.delete(other);
    if (names.size >= MAX_NAMES_OF_KEY && !names.has(name)) return false;
    names.set(name, now + this.#kept);
    this.#names.set(key, names);
    return true;
  }

  /** Stops counting a name, which turned out to be another key's. */
  giveBack(key: string, name: string): void {
    const names = this.#names.get(key);
    names?.delete(name);
    if (names?.size === 0) this.#names.delete(key);
  }
}
