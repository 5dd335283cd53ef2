import { isLongList, listMembers } from "./fields.ts";

/**
 * Reads a Content-Length: digits alone that make a number of bytes below 2^53, in which every one of them counts (RFC
 * 9110 section 8.6); undefined for anything else.
 */
export function parseContentLength(text: string): number | undefined {
  // `Number` alone would take blanks, signs, exponents and other bases.
  const length = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(length) ? length : undefined;
}

/** Reads a Content-Length that came several times, or as a list, which is one number where all are equal. */
export function parseContentLengths(list: string): number | undefined {
  if (!list.includes(",")) return parseContentLength(list);
  if (isLongList(list)) return undefined;
  const [first, ...others] = listMembers(list).map(parseContentLength);
  return others.every((other) => other === first) ? first : undefined;
}
