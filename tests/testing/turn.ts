import { setImmediate } from "node:timers";

/** Turns of the event loop after which frames have gone both ways between two sessions in memory. */
const TURNS = 4;

/** Returns in the next turn of the event loop, after what was put off to the end of this one. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}

/** Returns when nothing moves any more between sessions that are joined in memory. */
export async function settled(turns = TURNS): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}
