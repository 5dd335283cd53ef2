import { withTimeout } from "../../lib/net/with_timeout.ts";

/** Milliseconds until a wait counts as a failure: far above what a busy machine needs, so it asserts no speed. */
export const PATIENCE = 15_000;

/** Waits for the promise, but fails with the name of what never came instead of hanging the test run. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  milliseconds = PATIENCE,
): Promise<T> {
  return await withTimeout(milliseconds, promise, () => {
    throw new Error(`waited ${milliseconds} ms in vain for ${what}`);
  });
}
