import { STATUS_TEXT } from "@std/http/status";
import type { Field } from "./fields.ts";
import { linesText, writeLines } from "./field_lines.ts";
import { LINE_END } from "./octets.ts";

/** What every response begins with, whatever its status. */
export const RESPONSE_START = "HTTP/1.1 ";

/** A response head as text, an octet for each character, and the lines that it has, with the empty one. */
export interface ResponseText {
  readonly text: string;
  readonly lines: number;
}

/** What a response head is made of. */
export interface ResponseParts {
  readonly status: number;
  /** @default the one that the status usually has */
  readonly reasonPhrase?: string | undefined;
  readonly fields: readonly Field[];
}

/**
 * Makes the text of a response head (RFC 9112 section 4), for {@linkcode writeLines}, which checks the values.
 *
 * @param extra are lines of this side, whole, with their number.
 * @throws {RangeError} for a status that no response has.
 * @throws {HeadError} for a name that is not a token in lower case, and for a value with blanks around it.
 */
export function responseText(
  { status, reasonPhrase, fields }: ResponseParts,
  extra: { readonly text: string; readonly lines: number },
): ResponseText {
  const first = statusLine(status);
  const line = reasonPhrase === undefined ? first : withPhrase(first, reasonPhrase);
  const text = line + linesText(fields) + extra.text + LINE_END;
  return { text, lines: fields.length + extra.lines + 2 };
}

/** Writes such a text, and returns the offset behind it. @throws {HeadError} for a value that could end its line. */
export function writeResponse(
  { text, lines }: ResponseText,
  out: Uint8Array,
  offset: number,
): number {
  writeLines(text, lines, out, offset);
  return offset + text.length;
}

/** "HTTP/1.1 200 ": what stands before the reason. */
const BEFORE_PHRASE = RESPONSE_START.length + 4;

function withPhrase(statusLine: string, reasonPhrase: string): string {
  return statusLine.slice(0, BEFORE_PHRASE) + reasonPhrase + LINE_END;
}

const STATUS_LINES: (string | undefined)[] = [];

function statusLine(status: number): string {
  const known = STATUS_LINES[status];
  if (known !== undefined) return known;
  if (!Number.isInteger(status) || status < 100 || status > 599) {
    throw new RangeError(`a response has a status from 100 to 599, not ${status}`);
  }
  const line = `${RESPONSE_START}${status} ${STATUS_TEXT[status] ?? ""}${LINE_END}`;
  STATUS_LINES[status] = line;
  return line;
}
