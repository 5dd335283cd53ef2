import { PATIENCE } from "./within.ts";

/** Milliseconds between two looks. */
const INTERVAL = 25;

/**
 * Looks again and again until the check holds, where nothing tells the test of the change; a check that throws
 * does not hold yet.
 */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  const end = performance.now() + patience;
  let last: unknown;
  while (performance.now() < end) {
    try {
      if (await check()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
  throw new Error(`waited ${patience} ms in vain for ${what}`, { cause: last });
}
