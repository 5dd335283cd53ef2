import { useEffect, useState } from "preact/hooks";
import { messageOf } from "./inspector_calls.ts";

/** What was asked for: it is on its way, here, or did not come. */
export interface Loaded<Value> {
  /** The last that came; null before the first. */
  readonly value: Value | null;
  /** Why the last one did not come, as a sentence. */
  readonly trouble: string | null;
}

/** Loads something, and again whenever one of the causes has changed; an answer that was overtaken is dropped. */
export function useLoaded<Value>(
  load: () => Promise<Value>,
  causes: readonly unknown[],
): Loaded<Value> {
  const [loaded, setLoaded] = useState<Loaded<Value>>({ value: null, trouble: null });
  useEffect(() => {
    let isWanted = true;
    load().then(
      (value) => isWanted && setLoaded({ value, trouble: null }),
      (error) => isWanted && setLoaded(({ value }) => ({ value, trouble: messageOf(error) })),
    );
    return () => {
      isWanted = false;
    };
  }, causes);
  return loaded;
}
