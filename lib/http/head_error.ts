/** Characters of a faulty text that a message shows. */
const MAX_SHOWN = 64;

/** The rule is one of the grammar, or the head has more fields than are read. */
export type HeadErrorCode = "MALFORMED_HEAD" | "TOO_MANY_FIELDS";

/** Says which rule a head breaks (RFC 9110 section 5, RFC 9112 sections 3 to 5), and what was seen instead. */
export class HeadError extends Error {
  override readonly name = "HeadError";
  readonly code: HeadErrorCode;

  constructor(rule: string, seen?: string, code: HeadErrorCode = "MALFORMED_HEAD") {
    super(seen === undefined ? rule : `${rule}, not ${shown(seen)}`);
    this.code = code;
  }
}

/** Returns the line that begins at an offset, cut to the length that a message shows. */
export function lineAt(text: string, start: number): string {
  const end = text.indexOf("\n", start);
  return cut(text.slice(start, end === -1 ? start + MAX_SHOWN + 1 : end + 1));
}

/** Returns a faulty text as a message shows it: in quotes, cut to a length that fits a line. */
export function shown(text: string): string {
  return JSON.stringify(cut(text));
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
