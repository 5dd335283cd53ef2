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
