/** Writes unsafe characters as \uXXXX, which JSON reads back as what they were. */
export function escapeUnsafe(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * What could end a line, drive a terminal or turn the order of text around: controls (C0, DEL, C1), the two
 * Unicode line ends, and the marks of writing direction.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu;

/** Characters of a value that a message shows: enough to recognize it on one line. */
const MAX_SHOWN = 80;

/** Shows a value that somebody gave, in quotes and cut short. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** Shows a value as `quoted` does, but not what stands before an @: in an address that is a password. */
export function quotedOpenly(text: string): string {
  const open = text.slice(Math.max(0, text.lastIndexOf("@")));
  return quoted(open.length < text.length ? `…${open}` : text);
}

/** Returns the message of something that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Shows an unexpected error as one line, with the place that it came from. */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const at = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  return at === undefined ? error.message : `${error.message} (${at.trim()})`;
}
