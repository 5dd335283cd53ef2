import { useEffect, useReducer } from "preact/hooks";

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

/** Draws a component again whenever one of these has changed. */
export function useObservables(...observables: readonly Observable[]): void {
  const [, draw] = useReducer((count: number, _: void) => count + 1, 0);
  useEffect(() => {
    const ends = observables.map((observable) => observable.observe(() => draw()));
    // What changed between the drawing and this moment.
    draw();
    return () => {
      for (const end of ends) end();
    };
  }, observables);
}
