/** Bytes of a megabyte, as networks count. */
const MEGABYTE = 1_000_000;

/** Returns a time of some seconds for people, such as `14 s`. */
export function secondsText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** Returns a time below some seconds for people, such as `12 ms`. */
export function millisecondsText(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** Returns a number of bytes for people, such as `100 MB`. */
export function megabytesText(bytes: number): string {
  const megabytes = bytes / MEGABYTE;
  return `${megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes)} MB`;
}

/** Returns how fast so many bytes went in so many milliseconds, such as `41 MB/s`. */
export function speedText(bytes: number, milliseconds: number): string {
  return `${megabytesText(bytes / (Math.max(milliseconds, 1) / 1000))}/s`;
}
