import type { Field } from "./fields.ts";
import { isHopByHop } from "./fields.ts";
import {
  HeadError,
  type RequestHead,
  requestLength,
  writeField,
  writeRequestLine,
} from "./head.ts";
import { CR, LF } from "./octets.ts";
import { OriginError } from "./origin_error.ts";

/** Tells how a request's body is delimited: not at all, in chunks, or by its length in bytes. */
export type BodyFraming = "none" | "chunked" | number;

/**
 * Bounds {@linkcode requestHeadBound}, in bytes: a head as long as a public listener takes (64 KiB), and three times
 * as much for the fields that are added on the way.
 */
export const MAX_REQUEST_HEAD = 256 * 1024;

/** Bytes before a chunk's data at most: 8 digits and the line end; what a piece in memory can need. */
export const MAX_CHUNK_PREFIX = 10;

/** Ends a chunk's data (RFC 9112 section 7.1). */
export const CHUNK_END: Uint8Array = new TextEncoder().encode("\r\n");

/** Ends a chunked body: the last chunk and an empty trailer section. */
export const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");

/** Bytes of what frames a body, a content-length of 16 digits at most, and of the empty line. */
const FRAMING_LENGTH = 64;

/**
 * Returns an upper bound in bytes for what {@linkcode writeRequestFields} and {@linkcode writeFraming} write.
 *
 * @throws {OriginError} `malformed` when it is above {@linkcode MAX_REQUEST_HEAD}.
 */
export function requestHeadBound(head: RequestHead): number {
  const bytes = requestLength(head) + FRAMING_LENGTH;
  if (bytes > MAX_REQUEST_HEAD) throw malformed(`the head is too long, in bytes: ${bytes}`);
  return bytes;
}

/**
 * Writes the start line and the fields of a request (RFC 9112 sections 3 and 5) into `out`, which has
 * {@linkcode requestHeadBound} bytes of room, and returns their length in bytes.
 *
 * Framing and connection fields of the list are passed over, and the former written anew by {@linkcode writeFraming}:
 * whoever made the list could otherwise smuggle a second request into the connection. Everything else keeps its bytes
 * and its order.
 *
 * @throws {OriginError} `malformed` for what no head may hold.
 */
export function writeRequestFields(head: RequestHead, out: Uint8Array): number {
  // Its answer would turn the connection into a tunnel, and its target has another form (RFC 9110 section 9.3.6).
  if (head.method === "CONNECT") throw malformed("a tunnel has no use for the method CONNECT");
  try {
    let at = writeRequestLine(head, out, 0);
    for (const field of head.fields) {
      if (isPassedOn(field)) at = writeField(field, out, at);
    }
    return at;
  } catch (error) {
    if (error instanceof HeadError) throw malformed(error.message, error);
    throw error;
  }
}

/** Writes what frames the body and ends the head, and returns the offset behind it. */
export function writeFraming(framing: BodyFraming, out: Uint8Array, offset: number): number {
  let at = offset;
  if (framing === "chunked") at = writeAscii("transfer-encoding: chunked\r\n", out, at);
  else if (framing !== "none") {
    at = writeAscii(`content-length: ${lengthText(framing)}\r\n`, out, at);
  }
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}

/** Says how a request without a body is framed: most methods need no length, yet some origins answer 411 to these (RFC 9110 section 8.6). */
export function framingOfNothing(method: string, isAnnounced: boolean): BodyFraming {
  return isAnnounced && expectsBody(method) ? 0 : "none";
}

/** Writes the size that goes before a chunk's data, and returns the offset behind it. */
export function writeChunkPrefix(size: number, out: Uint8Array, offset: number): number {
  return writeAscii(`${size.toString(16)}\r\n`, out, offset);
}

function isPassedOn(field: Field): boolean {
  return field[0] !== "content-length" && !isHopByHop(field[0]);
}

function lengthText(length: number): string {
  if (Number.isSafeInteger(length) && length >= 0) return String(length);
  throw malformed(`the length of the body is no number of bytes: ${length}`);
}

function writeAscii(text: string, out: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) out[offset + i] = text.charCodeAt(i);
  return offset + text.length;
}

function expectsBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

function malformed(what: string, cause?: unknown): OriginError {
  return new OriginError("malformed", `request not sent: ${what}`, { cause });
}
