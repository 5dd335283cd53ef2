/** Something that tells when it has changed. */
export abstract class Observable {
  readonly #observers = new Set<() => void>();

  /** Calls whenever something changes, until what it returns is called. */
  observe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => {
      this.#observers.delete(observer);
    };
  }

  protected changed(): void {
    for (const observer of this.#observers) observer();
  }
}
