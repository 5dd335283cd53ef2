/** Writes the time of day of an ISO 8601 text, in this browser's zone. */
export function clockText(arrived: string): string {
  return new Date(arrived).toLocaleTimeString("en-GB");
}

/** Writes a count with its noun. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
