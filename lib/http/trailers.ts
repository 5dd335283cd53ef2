import { END_TO_END, type Field, isHopByHop } from "./fields.ts";
import { linesText, writeLines } from "./field_lines.ts";
import { LINE_END } from "./octets.ts";

/** Bytes of a trailer section, as it comes and as it travels: a checksum and a few words of a status. */
export const MAX_TRAILERS = 16 * 1024;

/**
 * Fields that may not be trailers beside those of one hop and those that are meant for every recipient (RFC 9110 section
 * 6.5.1): a recipient that merged them with the head would take a message for another one.
 */
export const HEAD_ONLY: ReadonlySet<string> = new Set([
  "age",
  "expires",
  "max-forwards",
  "pragma",
  "retry-after",
  "www-authenticate",
]);

/** What names of such fields begin with: conditions, handshakes, permissions of pages, and what is said of who asks. */
export const HEAD_ONLY_BEGINNINGS = [
  "access-control-",
  "if-",
  "proxy-",
  "sec-",
  "tunnel-",
  "x-forwarded-",
];

/** Returns the fields that may be trailers; what frames, routes, authenticates or controls a message may not. */
export function allowedTrailers(fields: readonly Field[]): readonly Field[] {
  return fields.filter(([name]) =>
    !isHopByHop(name) && !END_TO_END.has(name) && !HEAD_ONLY.has(name) &&
    !HEAD_ONLY_BEGINNINGS.some((beginning) => name.startsWith(beginning))
  );
}

/** Ends a chunked body (RFC 9112 section 7.1): the last chunk and an empty trailer section. */
const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");

/**
 * Returns what ends a chunked body (RFC 9112 section 7.1): the last chunk and the trailer section, which is most often empty.
 *
 * @throws {HeadError} for fields that no section may have; those that were read are none.
 */
export function lastChunk(trailers: readonly Field[] | null | undefined): Uint8Array {
  if (trailers === null || trailers === undefined) return LAST_CHUNK;
  const text = `0${LINE_END}${linesText(trailers)}${LINE_END}`;
  const octets = new Uint8Array(text.length);
  writeLines(text, trailers.length + 2, octets, 0);
  return octets;
}
