interface Entry<V> {
  readonly value: V;
  /** Milliseconds, as `performance.now` tells them. */
  readonly end: number;
}

/** Entries looked at with each write: more than one, so that old entries go faster than new ones come. */
const LOOKED_AT = 4;

/** A map with a bound whose entries run out by themselves, without a timer. */
export class ExpiringMap<K, V> {
  readonly #entries = new Map<K, Entry<V>>();
  readonly #most: number;

  /** @param most entries, without those that have run out. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Entries held, among them some that have run out. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.end > performance.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Holds a value for `lifetime` milliseconds; returns false, and does nothing, when the map is full. */
  set(key: K, value: V, lifetime: number): boolean {
    const now = performance.now();
    this.#dropExpired(now, LOOKED_AT);
    // Taken out first, so that the map stays in the order of the writes: the oldest are looked at first.
    const wasThere = this.#entries.delete(key);
    if (!wasThere && this.#entries.size >= this.#most) this.#dropExpired(now, Infinity);
    if (this.#entries.size >= this.#most) return false;
    this.#entries.set(key, { value, end: now + lifetime });
    return true;
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  #dropExpired(now: number, most: number): void {
    let looked = 0;
    for (const [key, { end }] of this.#entries) {
      if (looked++ >= most) return;
      if (end <= now) this.#entries.delete(key);
    }
  }
}
