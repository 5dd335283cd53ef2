/** What a list is made of. */
interface Entry {
  readonly id: number;
}

/** Milliseconds for which a pointer that has moved over the list is about to choose a row. */
const AIM = 1500;

/**
 * Keeps rows where they are while new ones come above them.
 *
 * A list that shows its start shows what is new, unless somebody is about to choose a row of it.
 */
export class ListAnchor {
  /** The row at the top of what can be seen, and how many pixels of it are above that. */
  #row: { readonly id: number; readonly hidden: number } | null = null;
  #isAtStart = true;
  /** The newest row that could be seen. */
  #seen = 0;
  #aimedAt = -Infinity;

  /** Somebody moves a pointer over the list. */
  aimed(): void {
    this.#aimedAt = performance.now();
  }

  /** Shows what is new from now on. */
  follow(): void {
    this.#isAtStart = true;
    this.#row = null;
    this.#aimedAt = -Infinity;
  }

  /** Notes where the list has been scrolled to. */
  scrolled(top: number, entries: readonly Entry[], height: number): void {
    const row = entries[Math.floor(top / height)];
    this.#isAtStart = top <= 0;
    this.#row = row === undefined ? null : { id: row.id, hidden: top % height };
    this.#seen = Math.max(this.#seen, row?.id ?? 0);
  }

  /** Returns where a list that has changed must be scrolled to, so that what is read stays. */
  topOf(entries: readonly Entry[], height: number, isFocused: boolean): number {
    if (this.#row === null) return 0;
    const isChosen = isFocused || performance.now() - this.#aimedAt < AIM;
    if (this.#isAtStart && !isChosen) return 0;
    const { id, hidden } = this.#row;
    // Where the row is gone, the next older one is there.
    const index = entries.findIndex((entry) => entry.id <= id);
    return index === -1 ? 0 : index * height + hidden;
  }

  /** Counts the rows above that have not been seen yet. */
  unseen(entries: readonly Entry[]): number {
    if (this.#isAtStart) return 0;
    const count = entries.findIndex(({ id }) => id <= this.#seen);
    return count === -1 ? entries.length : count;
  }
}
