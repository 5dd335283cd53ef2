import { bodyKindOf, bodyTextOf } from "./body_kind.ts";
import { hexLines } from "./hex_lines.ts";
import { indentMarkup } from "./markup.ts";

/** Bytes of a dump that are compared: more lines than anybody reads. */
const MAX_HEX = 64 * 1024;

/** Writes a body as lines that can be compared: of JSON and markup, one for each value or element. */
export function answerLines(type: string | null, octets: Uint8Array): readonly string[] {
  const text = bodyTextOf(type, octets);
  const kind = bodyKindOf(type, text);
  if (text === null || kind === "binary" || kind === "image") {
    return hexLines(octets.subarray(0, MAX_HEX)).split("\n");
  }
  if (kind === "json") return indentJSON(text).split("\n");
  if (kind === "html" || kind === "xml") return indentMarkup(text, kind === "html").split("\n");
  return text.split("\n");
}

function indentJSON(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
