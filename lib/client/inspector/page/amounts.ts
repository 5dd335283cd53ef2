/** Writes a count of bytes in at most five characters and a unit. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length);
  const amount = bytes / 1000 ** power;
  return `${amount < 99.95 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[power - 1]}`;
}

const UNITS = ["kB", "MB", "GB", "TB"] as const;

/** Writes milliseconds as a person says them. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

/** Writes the time of day of an ISO 8601 text, in this browser's zone. */
export function clockText(arrived: string): string {
  return new Date(arrived).toLocaleTimeString("en-GB");
}

/** Writes a count with its noun. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
