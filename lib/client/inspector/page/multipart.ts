import type { Field } from "../../../http/fields.ts";
import { fieldText, latin1Of } from "./octet_text.ts";

/** A part of a `multipart/…` body. */
export interface BodyPart {
  /** The name that Content-Disposition gives; empty where it gives none. */
  readonly name: string;
  readonly fileName: string | null;
  readonly type: string | null;
  readonly fields: readonly Field[];
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Whether its end is there. */
  readonly isWhole: boolean;
}

/** Parts that are shown; a body may have any number of empty ones. */
const MAX_PARTS = 200;

/** Divides a body at its boundary (RFC 2046 section 5.1.1); null when the type names none. */
export function partsOf(
  octets: Uint8Array<ArrayBuffer>,
  contentType: string,
): readonly BodyPart[] | null {
  const boundary = parameterOf(contentType, "boundary");
  if (boundary === null || boundary === "") return null;
  // A boundary stands at the start of a line; the body's own start is one.
  const text = `\r\n${latin1Of(octets)}`;
  const mark = `\r\n--${boundary}`;
  const parts: BodyPart[] = [];
  let at = text.indexOf(mark);
  while (at !== -1 && parts.length < MAX_PARTS) {
    const from = at + mark.length;
    if (text.startsWith("--", from)) break;
    const lineEnd = text.indexOf("\r\n", from);
    if (lineEnd === -1) break;
    at = text.indexOf(mark, lineEnd);
    const to = at === -1 ? text.length : at;
    // The two characters that were put in front are not octets of the body.
    parts.push(partOf(text, octets, { from: lineEnd + 2, to, isWhole: at !== -1 }));
  }
  return parts;
}

function partOf(
  text: string,
  octets: Uint8Array<ArrayBuffer>,
  { from, to, isWhole }: { readonly from: number; readonly to: number; readonly isWhole: boolean },
): BodyPart {
  const isBare = text.startsWith("\r\n", from);
  const headEnd = isBare ? from : text.indexOf("\r\n\r\n", from);
  const hasHead = headEnd !== -1 && headEnd < to;
  const head = hasHead ? text.slice(from, headEnd) : "";
  const fields = head.split("\r\n").filter((line) => line !== "").map((line): Field => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const value = (name: string) => fields.find(([known]) => known === name)?.[1] ?? null;
  const disposition = value("content-disposition") ?? "";
  const start = hasHead ? headEnd + (isBare ? 2 : 4) : from;
  return {
    name: fieldText(parameterOf(disposition, "name") ?? ""),
    fileName: nullOr(fieldText, parameterOf(disposition, "filename")),
    type: value("content-type"),
    fields,
    octets: octets.slice(Math.max(0, start - 2), Math.max(0, to - 2)),
    isWhole,
  };
}

function nullOr(change: (text: string) => string, text: string | null): string | null {
  return text === null ? null : change(text);
}

/** Returns a parameter of a field such as Content-Type; null where it has none. */
export function parameterOf(value: string, name: string): string | null {
  for (const [, known = "", quoted, bare = ""] of value.matchAll(PARAMETER)) {
    if (known.toLowerCase() !== name) continue;
    return quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, "$1");
  }
  return null;
}

const PARAMETER = /;\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g;
