/** Waits so many milliseconds at most for a promise; then returns what `onTimeout` returns, or throws what it throws. */
export async function withTimeout<T, Late>(
  milliseconds: number,
  promise: Promise<T>,
  onTimeout: () => Late,
): Promise<T | Late> {
  const { promise: expired, resolve } = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(() => resolve(LATE), milliseconds);
  try {
    const first = await Promise.race([promise, expired]);
    return first === LATE ? onTimeout() : first;
  } finally {
    clearTimeout(timer);
  }
}

const LATE = Symbol("late");

/** Waits so many milliseconds at most for a promise, and does not tell whether it came; rejects when it does in time. */
export async function waitAtMost(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  await withTimeout(milliseconds, promise, () => {});
}
