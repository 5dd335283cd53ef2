/** Counts by key; a key whose count falls to zero takes no memory. */
export class Tally<Key> {
  readonly #counts = new Map<Key, number>();
  #total = 0;

  /** Keys with a count. */
  get size(): number {
    return this.#counts.size;
  }

  /** The sum of all counts. */
  get total(): number {
    return this.#total;
  }

  /** Returns the count of a key, 0 for one that was not counted. */
  count(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts a key once more. */
  add(key: Key): void {
    this.#counts.set(key, this.count(key) + 1);
    this.#total++;
  }

  /** Counts a key once more, until the returned function is called; that may be more than once, for some things have several ends. */
  enter(key: Key): () => void {
    this.add(key);
    let isInside = true;
    return () => {
      if (isInside) this.remove(key);
      isInside = false;
    };
  }

  /** Counts a key once less; nothing happens to one that is not counted. */
  remove(key: Key): void {
    const count = this.count(key);
    if (count === 0) return;
    this.#total--;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
  }

  /** Forgets every count. */
  clear(): void {
    this.#counts.clear();
    this.#total = 0;
  }
}
