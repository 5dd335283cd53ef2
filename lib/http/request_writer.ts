import type { FieldLines } from "./field_lines.ts";
import { linesOf, type RequestHead, requestLine } from "./head.ts";
import { HeadError } from "./head_error.ts";
import { CR, LF, writeLatin1 } from "./octets.ts";
import { OriginError } from "./origin_error.ts";

/** Tells how a request's body is delimited: not at all, in chunks, or by its length in bytes. */
export type BodyFraming = "none" | "chunked" | number;

/**
 * Bounds the lines of a request, in bytes: a head as long as a public listener takes (64 KiB), and three times as
 * much for the fields that are added on the way.
 */
export const MAX_REQUEST_HEAD = 256 * 1024;

/** Bytes before a chunk's data at most: 8 digits and the line end; what a piece in memory can need. */
export const MAX_CHUNK_PREFIX = 10;

/** Ends a chunk's data (RFC 9112 section 7.1). */
export const CHUNK_END: Uint8Array = new TextEncoder().encode("\r\n");

/** Ends a chunked body: the last chunk and an empty trailer section. */
export const LAST_CHUNK: Uint8Array = new TextEncoder().encode("0\r\n\r\n");

/** Bytes at most of what frames a body, with a content-length of 16 digits, and of the empty line. */
const FRAMING_LENGTH = 64;

/** A request but for what frames its body: the request line and the field lines. */
export interface WrittenRequest {
  readonly line: string;
  readonly fields: FieldLines;
}

/**
 * Returns how a request is written (RFC 9112 sections 3 and 5).
 *
 * Framing and connection fields of the list are passed over, and the former written anew by {@linkcode writeFraming}:
 * a list from elsewhere could otherwise smuggle a second request into the connection. Everything else keeps its octets
 * and its order.
 *
 * @throws {OriginError} `malformed` for what no head may hold.
 */
export function writtenRequest(head: RequestHead): WrittenRequest {
  // Its answer would turn the connection into a tunnel, and its target has another form (RFC 9110 section 9.3.6).
  if (head.method === "CONNECT") throw malformed("a tunnel has no use for the method CONNECT");
  const fields = endToEndLines(head).withoutLength();
  const line = orOriginError(() => requestLine(head));
  const length = line.length + fields.octets.length;
  if (length > MAX_REQUEST_HEAD) throw malformed(`the head has ${length} bytes`);
  return { line, fields };
}

/** Returns the field lines that are meant for the origin. @throws {OriginError} `malformed`, likewise. */
export function endToEndLines(head: RequestHead): FieldLines {
  return orOriginError(() => linesOf(head).endToEnd());
}

/** Returns an upper bound in bytes for such a request, what frames its body and the empty line. */
export function requestRoom({ line, fields }: WrittenRequest): number {
  return line.length + fields.octets.length + FRAMING_LENGTH;
}

/** Writes the request line and the field lines and returns the offset behind them. */
export function writeRequest(request: WrittenRequest, out: Uint8Array): number {
  const { line, fields: { octets } } = request;
  writeLatin1(line, out, 0);
  out.set(octets, line.length);
  return line.length + octets.length;
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

function lengthText(length: number): string {
  if (Number.isSafeInteger(length) && length >= 0) return String(length);
  throw malformed(`the length of the body is no number of bytes: ${length}`);
}

/** Writes ASCII and returns the offset behind it. */
function writeAscii(text: string, out: Uint8Array, offset: number): number {
  writeLatin1(text, out, offset);
  return offset + text.length;
}

function expectsBody(method: string): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

function orOriginError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof HeadError)) throw error;
    throw malformed(error.message, error);
  }
}

function malformed(what: string, cause?: unknown): OriginError {
  return new OriginError("malformed", `request not sent: ${what}`, { cause });
}
