const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Returns a number of bytes for people, in at most six characters: 112 B, 4.1 kB, 182 kB. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // Not 1000: what is rounded up to it belongs to the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${shortNumber(value, unit > 0)} ${UNITS[unit]}`;
}

/** Returns a time for people, in at most six characters: 12 ms, 1.2 s, 51 s, 3 min, 2 h. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 119.5) return `${shortNumber(seconds, true)} s`;
  const minutes = seconds / 60;
  return minutes < 119.5 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`;
}

/** Returns a text that fits so many characters: what is longer loses its middle, for both ends tell more. */
export function middleCut(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = Math.max(0, width - 1);
  const end = Math.floor(kept / 2);
  return `${text.slice(0, kept - end)}…${text.slice(text.length - end)}`;
}

/** Breaks a text into lines of so many characters at most, between words where it can be. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width && width > 0) {
    const blank = rest.lastIndexOf(" ", width);
    const end = blank > 0 ? blank : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

/** Rounds a number, to one decimal where it has one digit before the point. */
function shortNumber(value: number, hasDecimal: boolean): string {
  return hasDecimal && value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}
