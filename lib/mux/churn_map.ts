interface Cell<Value> {
  value: Value | null;
}

/**
 * A Map for entries that go as fast as they come, in the order in which they came.
 *
 * V8 moves such a Map to a new table again and again. A table that was left keeps its entries and points to the one after
 * it; so once a single one has grown old, all that follow survive each collection of the young, with whatever was in them,
 * until everything is collected. Therefore a value is held by a cell, which is emptied when the entry goes.
 */
export class ChurnMap<Key, Value extends object> {
  readonly #cells = new Map<Key, Cell<Value>>();

  get size(): number {
    return this.#cells.size;
  }

  get(key: Key): Value | undefined {
    return this.#cells.get(key)?.value ?? undefined;
  }

  set(key: Key, value: Value): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { value });
    else cell.value = value;
  }

  /** Takes an entry out and returns its value; undefined when there is none. */
  take(key: Key): Value | undefined {
    const cell = this.#cells.get(key);
    if (cell === undefined) return undefined;
    this.#cells.delete(key);
    const value = cell.value ?? undefined;
    cell.value = null;
    return value;
  }

  /** Yields the keys; entries may be taken out meanwhile. */
  keys(): MapIterator<Key> {
    return this.#cells.keys();
  }

  /** Yields the entries likewise. */
  *[Symbol.iterator](): Generator<[Key, Value]> {
    for (const [key, { value }] of this.#cells) if (value !== null) yield [key, value];
  }

  /** Takes all entries out and returns their values. */
  takeAll(): Value[] {
    const values: Value[] = [];
    for (const [key, value] of this) {
      this.take(key);
      values.push(value);
    }
    return values;
  }
}
