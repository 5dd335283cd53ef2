import { useEffect, useReducer } from "preact/hooks";
import type { Observable } from "./observable.ts";

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
