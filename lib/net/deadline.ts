/** Waits for a promise, but only so many milliseconds; what it settles with, or that it did not, is not told. */
export async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  await inTime(milliseconds, promise, () => {});
}

/** Waits for what a promise brings, but only so many milliseconds: then returns what `late` returns, or throws what it throws. */
export async function inTime<T, Late>(
  milliseconds: number,
  promise: Promise<T>,
  late: () => Late,
): Promise<T | Late> {
  const { promise: expired, resolve } = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(() => resolve(LATE), milliseconds);
  try {
    const first = await Promise.race([promise, expired]);
    return first === LATE ? late() : first;
  } finally {
    clearTimeout(timer);
  }
}

const LATE = Symbol("late");
