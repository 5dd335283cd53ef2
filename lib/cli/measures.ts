const SIZES = ["B", "kB", "MB", "GB", "TB"] as const;

/** Returns a number of bytes for people: 112 B, 4.1 kB, 182 kB. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Not 1000: what is rounded up to it belongs to the next unit.
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : shortNumber(value)} ${SIZES[unit]}`;
}

/** Returns how fast so many bytes went in so many milliseconds: 41 MB/s. */
export function speedText(bytes: number, milliseconds: number): string {
  return `${sizeText(bytes / (Math.max(milliseconds, 1) / 1000))}/s`;
}

/**
 * Returns a time for people: <1 ms, 12 ms, 1.2 s, 51 s, 3.1 min, 2 h. Tenths of a millisecond are left out, for no clock
 * here is worth them.
 */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1) return "<1 ms";
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < MOST_WITH_TENTHS) return `${shortNumber(seconds)} s`;
  const minutes = seconds / 60;
  return minutes < MOST_WITH_TENTHS
    ? `${shortNumber(minutes)} min`
    : `${shortNumber(minutes / 60)} h`;
}

/** From here on a number has three digits before the point, and they say enough. */
const MOST_WITH_TENTHS = 99.95;

/** Rounds a number to one decimal, which is left out where it is none. */
function shortNumber(value: number): string {
  return value < MOST_WITH_TENTHS
    ? value.toFixed(1).replace(/\.0$/, "")
    : String(Math.round(value));
}
