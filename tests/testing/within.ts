/** Milliseconds until a wait counts as a failure: far above what a busy machine needs, so it asserts no speed. */
export const PATIENCE = 15_000;

/** Waits for the promise, but fails with the name of what never came instead of hanging the test run. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  milliseconds = PATIENCE,
): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`waited ${milliseconds} ms in vain for ${what}`)),
    milliseconds,
  );
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}
