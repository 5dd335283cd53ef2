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

/** Bytes before a chunk's data at most: 8 digits, enough for any piece in memory, and the line end. */
export const MAX_CHUNK_PREFIX = 10;

/** Ends a chunk's data (RFC 9112 section 7.1). */
export const CHUNK_END: Uint8Array = new TextEncoder().encode("\r\n");

/** Bytes of a framing line and of the empty line at most, with a Content-Length of 16 digits. */
const FRAMING_LENGTH = 64;

/** The lines of a request, without those that frame its body. */
export interface PreparedRequest {
  readonly line: string;
  readonly fields: FieldLines;
}

/**
 * Prepares the lines of a request (RFC 9112 sections 3 and 5).
 *
 * Fields that frame the body or speak of one connection are dropped, and {@linkcode writeFraming} writes the framing anew:
 * fields from elsewhere could otherwise smuggle a second request into the connection. All others keep their octets and
 * their order.
 *
 * @throws {OriginError} `malformed` for a head that no request may have.
 */
export function prepareRequest(head: RequestHead): PreparedRequest {
  const fields = endToEndLines(head).withoutLength();
  const line = orOriginError(() => requestLine(head));
  const length = line.length + fields.octets.length;
  if (length > MAX_REQUEST_HEAD) {
    throw malformed(`its head must have at most ${MAX_REQUEST_HEAD} bytes, not ${length}`);
  }
  return { line, fields };
}

/** Returns the field lines that are passed on to the origin. @throws {OriginError} `malformed` for fields that no head may have. */
export function endToEndLines(head: RequestHead): FieldLines {
  return orOriginError(() => linesOf(head).endToEnd());
}

/** Returns the bytes that a request's whole head takes at most, with its framing and the empty line. */
export function requestRoom({ line, fields }: PreparedRequest): number {
  return line.length + fields.octets.length + FRAMING_LENGTH;
}

/** Writes the request line and the field lines and returns the offset behind them. */
export function writeRequest(request: PreparedRequest, out: Uint8Array): number {
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

/**
 * Returns the framing of a request without a body. Most methods need no length, but some origins answer 411 to a POST, PUT
 * or PATCH without one (RFC 9110 section 8.6).
 */
export function framingOfNothing(method: string, isAnnounced: boolean): BodyFraming {
  return isAnnounced && expectsBody(method) ? 0 : "none";
}

/** Writes the size that goes before a chunk's data, and returns the offset behind it. */
export function writeChunkPrefix(size: number, out: Uint8Array, offset: number): number {
  return writeAscii(`${size.toString(16)}\r\n`, out, offset);
}

function lengthText(length: number): string {
  if (Number.isSafeInteger(length) && length >= 0) return String(length);
  throw malformed(`the length of its body must be a number of bytes, not ${length}`);
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
