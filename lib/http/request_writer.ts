import type { Field, RequestHead } from "../wire/head.ts";
import { COLON, CR, DEL, isToken, LF, OCTETS, SP, TEXT, TOKEN } from "./octets.ts";
import { connectionField } from "./connection_field.ts";
import { OriginError } from "./origin_error.ts";

/** Tells how a request's body is delimited: not at all, in chunks, or by its length in bytes. */
export type RequestFraming = "none" | "chunked" | number;

/**
 * Bounds {@linkcode requestHeadBound}, in bytes: a head as long as a public listener takes (64 KiB), all
 * of it a target that triples, and as much again for the fields that are added on the way.
 */
export const MAX_REQUEST_HEAD = 256 * 1024;

/** Bytes before a chunk's data at most: 8 digits and the line end; what a piece in memory can need. */
export const MAX_CHUNK_PREFIX = 10;

/** Ends a chunk's data (RFC 9112 section 7.1). */
export const CHUNK_END: Uint8Array = new TextEncoder().encode("\r\n");

/** Ends a chunked body: the last chunk and an empty trailer section. */
export const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");

/** Bytes of a head beside its method, its target and its fields: spaces and version, a content-length of 16 digits, and the empty line. */
export const REQUEST_ROOM = 64;

/** What follows the target. */
export const VERSION = " HTTP/1.1\r\n";

/** A character of a target takes at most three bytes of UTF-8 for each UTF-16 unit. */
const UTF8_BYTES_PER_UNIT = 3;
const UTF8 = new TextEncoder();

/**
 * Returns an upper bound in bytes for what {@linkcode writeRequestFields} and {@linkcode writeFraming} write.
 *
 * @throws OriginError `malformed` when it is above {@linkcode MAX_REQUEST_HEAD}.
 */
export function requestHeadBound(head: RequestHead): number {
  let bytes = REQUEST_ROOM + head.method.length + head.target.length * UTF8_BYTES_PER_UNIT;
  for (const [name, value] of head.fields) bytes += name.length + value.length + 4;
  if (bytes > MAX_REQUEST_HEAD) throw malformed("the head is too long, in bytes", String(bytes));
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
 * @throws OriginError `malformed` for what no head may hold.
 */
export function writeRequestFields(head: RequestHead, out: Uint8Array): number {
  checkStart(head);
  let at = writeText(head.method, out, 0);
  out[at++] = SP;
  at = writeTarget(head.target, out, at);
  at = writeText(VERSION, out, at);
  for (const field of head.fields) {
    if (connectionField(field[0]) === null) at = writeField(field, out, at);
  }
  return at;
}

/** Writes what frames the body and ends the head, and returns the offset behind it. */
export function writeFraming(framing: RequestFraming, out: Uint8Array, offset: number): number {
  let at = offset;
  if (framing === "chunked") at = writeText("transfer-encoding: chunked\r\n", out, at);
  else if (framing !== "none") at = writeLength(framing, out, at);
  return writeLineEnd(out, at);
}

/** Says how a request without a body is framed: most methods need no length, yet some origins answer 411 to these (RFC 9110 section 8.6). */
export function framingOfNothing(method: string, isAnnounced: boolean): RequestFraming {
  return isAnnounced && expectsBody(method) ? 0 : "none";
}

/** Writes the size that goes before a chunk's data, and returns the offset behind it. */
export function writeChunkPrefix(size: number, out: Uint8Array, offset: number): number {
  return writeText(`${size.toString(16)}\r\n`, out, offset);
}

function checkStart({ method, target }: RequestHead): void {
  if (!isToken(method)) throw malformed("the method is no token", method);
  // Its answer would turn the connection into a tunnel, and its target has another form (RFC 9110 section 9.3.6).
  if (method === "CONNECT") throw malformed("a tunnel has no use for the method", method);
  if (target.charCodeAt(0) !== 0x2f && target !== "*") {
    throw malformed('the target neither starts with "/" nor is "*"', target);
  }
}

function writeTarget(target: string, out: Uint8Array, offset: number): number {
  let ascii = true;
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code <= SP || code === DEL) {
      throw malformed("the target holds a control or a space", target);
    }
    if (code > DEL) ascii = false;
    out[offset + i] = code;
  }
  if (ascii) return offset + target.length;
  if (!target.isWellFormed()) throw malformed("the target holds half a character", target);
  return offset + UTF8.encodeInto(target, out.subarray(offset)).written;
}

function writeField([name, value]: Field, out: Uint8Array, offset: number): number {
  let at = offset;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code > DEL || ((OCTETS[code] ?? 0) & TOKEN) === 0) {
      throw malformed("a field name is no token", name);
    }
    out[at++] = code;
  }
  if (at === offset) throw malformed("a field has no name, its value is", value);
  out[at++] = COLON;
  out[at++] = SP;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0xff || ((OCTETS[code] ?? 0) & TEXT) === 0) {
      throw malformed(`the field ${name} holds a character that no value may`, value);
    }
    out[at++] = code;
  }
  return writeLineEnd(out, at);
}

function writeLength(length: number, out: Uint8Array, offset: number): number {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw malformed("the length of the body is no number of bytes", String(length));
  }
  return writeText(`content-length: ${length}\r\n`, out, offset);
}

function writeText(text: string, out: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) out[offset + i] = text.charCodeAt(i);
  return offset + text.length;
}

function writeLineEnd(out: Uint8Array, offset: number): number {
  out[offset] = CR;
  out[offset + 1] = LF;
  return offset + 2;
}

function expectsBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

function malformed(what: string, value: string): OriginError {
  const shown = value.length > 64 ? `${value.slice(0, 64)}…` : value;
  return new OriginError("malformed", `request not sent: ${what}: ${JSON.stringify(shown)}`);
}
