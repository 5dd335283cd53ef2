import { endOfAuthority } from "../net/authority.ts";
import { parseContentLengths } from "./content_length.ts";
import { connectionOptions, type Field } from "./fields.ts";
import type { FieldLines } from "./field_lines.ts";
import { type HeadRange, readMessageFields } from "./field_reader.ts";
import { HeadError } from "./head_error.ts";
import { Mendings } from "./mendings.ts";
import { NotableKind } from "./notable_line.ts";
import { CR, endOf, isOf, latin1, LF, SP, TARGET, TOKEN } from "./octets.ts";
import { RequestError } from "./request_error.ts";

/** Bytes of a request head. */
export const MAX_REQUEST_HEAD = 64 * 1024;

/** Fields of a request: as many as `Deno.serve` takes, and with what is added on the way fewer than a head may have. */
export const MAX_REQUEST_FIELDS = 128;

/** Octets of a method: the longest that is registered has 17. */
const MAX_METHOD = 64;

/** How the body of a request ends: after so many bytes, or with its last chunk. */
export type RequestBodyFraming = number | "chunked";

/** What a request asks for (RFC 9112 section 3.2). */
export interface RequestTarget {
  /** In lower case; null where the target does not name one. */
  readonly scheme: string | null;
  /** null where the target does not name one. */
  readonly authority: string | null;
  /** In origin-form or asterisk-form, each octet as it came. */
  readonly target: string;
}

/** A request head, and what it says of its connection. */
export interface ParsedRequest extends RequestTarget {
  /** A token, case-sensitive. */
  readonly method: string;
  /** The minor version of HTTP/1. */
  readonly minor: 0 | 1;
  /** null when there is none. */
  readonly host: string | null;
  /** In the order in which they came, names in lower case; Content-Length is there once at most, as one number. */
  readonly fields: readonly Field[];
  readonly framing: RequestBodyFraming;
  /** Whether the visitor would keep the connection open (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** Where the head ends in the buffer: the offset of the first byte behind it. */
  readonly end: number;
}

/**
 * Reads request heads (RFC 9112 sections 3 and 5) and refuses what two readers could read differently, for the tunnel would
 * disagree with another one about where a request ends. Nothing is mended.
 *
 * One parser serves a connection: it remembers how much of an unfinished head it has looked at.
 */
export class RequestHeadParser {
  /** Octets of the unfinished head in which no empty line begins. */
  #scanned = 0;

  /**
   * Reads the head that begins at `start`, or returns null when it does not end before `end`; call again once there is
   * more, with the same bytes in front.
   *
   * @throws {RequestError} for what cannot become a head.
   */
  parse(buffer: Uint8Array, start: number, end: number): ParsedRequest | null {
    const headEnd = this.#findEnd(buffer, start, end);
    if (headEnd === -1) return null;
    this.#scanned = 0;
    return parseHead(buffer.subarray(start, headEnd), headEnd);
  }

  /** Returns the offset behind the empty line, or -1. */
  #findEnd(buffer: Uint8Array, start: number, end: number): number {
    const limit = Math.min(end, start + MAX_REQUEST_HEAD);
    // No other protocol that may come by mistake begins with a token, and none of them would ever end a head.
    if (start < limit && !isOf(buffer[start] ?? 0, TOKEN)) throw malformed(REQUEST_LINE);
    for (let at = buffer.indexOf(LF, start + this.#scanned); at !== -1 && at < limit;) {
      const next = buffer[at + 1];
      if (next === LF && at + 1 < limit) return at + 2;
      if (next === CR && buffer[at + 2] === LF && at + 2 < limit) return at + 3;
      // The next read may bring the rest of an empty line.
      if (at + 2 >= limit) break;
      at = buffer.indexOf(LF, at + 1);
    }
    this.#scanned = Math.max(0, limit - start - 2);
    if (limit - start < MAX_REQUEST_HEAD) return -1;
    throw tooLong(buffer.subarray(start, limit));
  }
}

/** Passes over line ends before a request line, which some old programs send behind a body (RFC 9112 section 2.2). */
export function behindLineEnds(buffer: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at + 1 < end && buffer[at] === CR && buffer[at + 1] === LF) at += 2;
  return at;
}

const REQUEST_LINE = "a request begins with a method, a target and HTTP/1.1 (RFC 9112 section 3)";

function parseHead(octets: Uint8Array, end: number): ParsedRequest {
  const { method, text, minor, fieldsStart } = readRequestLine(octets);
  const target = readTarget(method, text);
  const lines = readLines(octets, { start: fieldsStart, end: octets.length - 2 });
  if (lines.notableCount("host") > 1) {
    throw malformed("a request has one Host field (RFC 9112 section 3.2)");
  }
  const isHopByHop = lines.has(NotableKind.HopByHop);
  const coding = isHopByHop ? lines.notableValue("transfer-encoding") : undefined;
  const connection = isHopByHop ? lines.notableValue("connection") : undefined;
  const announced = lines.has(NotableKind.Length)
    ? lines.notableValue("content-length")
    : undefined;
  const length = announced === undefined ? null : lengthIn(announced);
  const isPlain = length === null || announced === String(length);
  return {
    method,
    ...target,
    minor,
    host: lines.notableValue("host") ?? null,
    fields: (isPlain ? lines : lines.withLength(length)).list,
    framing: coding === undefined ? length ?? 0 : bodyFraming(coding, length, minor),
    keepAlive: staysOpen(connection, minor),
    end,
  };
}

/** Reads `GET /path HTTP/1.1` and the line end behind it. */
function readRequestLine(octets: Uint8Array): {
  readonly method: string;
  readonly text: string;
  readonly minor: 0 | 1;
  readonly fieldsStart: number;
} {
  const methodEnd = endOf(octets, 0, TOKEN);
  if (octets[methodEnd] !== SP) throw malformed(REQUEST_LINE);
  if (methodEnd > MAX_METHOD) throw new RequestError(501, "no method is that long");
  const targetEnd = endOf(octets, methodEnd + 1, TARGET);
  if (targetEnd === methodEnd + 1 || octets[targetEnd] !== SP) throw malformed(REQUEST_LINE);
  const minor = minorAt(octets, targetEnd + 1);
  return {
    method: latin1(octets, 0, methodEnd),
    text: latin1(octets, methodEnd + 1, targetEnd),
    minor,
    fieldsStart: targetEnd + 1 + VERSION.length + 2,
  };
}

/** What a version looks like; its digits may be others. */
const VERSION = "HTTP/1.1";
const MAJOR = 5;
const MINOR = 7;

/** Reads a version and finds its line end, or says which versions are spoken. */
function minorAt(octets: Uint8Array, at: number): 0 | 1 {
  const end = at + VERSION.length;
  for (let i = 0; i < VERSION.length; i++) {
    const octet = octets[at + i] ?? 0;
    const isDigit = octet >= 0x30 && octet <= 0x39;
    const isRight = i === MAJOR || i === MINOR ? isDigit : octet === VERSION.charCodeAt(i);
    if (!isRight) throw malformed(REQUEST_LINE);
  }
  if (octets[end] !== CR || octets[end + 1] !== LF) throw malformed(REQUEST_LINE);
  const minor = (octets[at + MINOR] ?? 0) - 0x30;
  if (octets[at + MAJOR] === 0x31 && (minor === 0 || minor === 1)) return minor;
  throw new RequestError(505, "this port speaks HTTP/1.1 and HTTP/1.0");
}

/** Takes a target apart, whose form depends on the method (RFC 9112 section 3.2). */
function readTarget(method: string, text: string): RequestTarget {
  if (text.startsWith("/")) return { scheme: null, authority: null, target: text };
  // Its target is an authority alone; the answer says that the method is not served.
  if (method === "CONNECT") return { scheme: null, authority: text, target: "/" };
  if (text === "*" && method === "OPTIONS") return { scheme: null, authority: null, target: text };
  const [scheme = ""] = /^[A-Za-z][A-Za-z0-9+.-]*(?=:\/\/)/.exec(text) ?? [];
  if (scheme === "") throw malformed("the request target is a path, a URL, or * for OPTIONS");
  const start = scheme.length + 3;
  const end = endOfAuthority(text, start);
  const rest = text.slice(end);
  const path = rest.startsWith("/") ? rest : rest === "" && method === "OPTIONS" ? "*" : `/${rest}`;
  return { scheme: scheme.toLowerCase(), authority: text.slice(start, end), target: path };
}

const mendings = new Mendings();

/** Reads the field lines, of which none may be mended. */
function readLines(octets: Uint8Array, range: HeadRange): FieldLines {
  if (octets[range.end] !== CR) throw malformed("lines end with CR and LF (RFC 9112 section 2.2)");
  try {
    const lines = readMessageFields(octets, range, mendings);
    const [fault] = mendings.take();
    if (fault !== undefined) throw malformed(fault);
    if (lines.list.length <= MAX_REQUEST_FIELDS) return lines;
  } catch (error) {
    mendings.take();
    if (!(error instanceof HeadError)) throw error;
    if (error.code !== "TOO_MANY_FIELDS") throw malformed(error.message, error);
  }
  throw new RequestError(431, `a request has at most ${MAX_REQUEST_FIELDS} fields here`);
}

/** Decides how the body is delimited (RFC 9112 section 6.3), where a transfer coding is named. */
function bodyFraming(coding: string, length: number | null, minor: 0 | 1): "chunked" {
  if (length !== null) {
    throw malformed("a request has either Content-Length or Transfer-Encoding");
  }
  if (minor === 0) throw malformed("HTTP/1.0 has no Transfer-Encoding (RFC 9112 section 6.1)");
  const name = coding.toLowerCase();
  if (name === "chunked") return "chunked";
  // Each other coding that ends with chunks could be read, and is not known here.
  if (/^[a-z]+, ?chunked$/.test(name) && name !== "chunked, chunked") {
    throw new RequestError(501, "the only transfer coding that is carried is chunked");
  }
  throw malformed("the last transfer coding of a request is chunked (RFC 9112 section 6.3)");
}

function lengthIn(text: string): number {
  const length = parseContentLengths(text);
  if (length === undefined) throw malformed("Content-Length is not one number of bytes");
  return length;
}

/** Tells whether the connection stays open behind this request (RFC 9112 section 9.3). */
function staysOpen(connection: string | undefined, minor: 0 | 1): boolean {
  if (connection === undefined) return minor === 1;
  const options = connectionOptions(connection);
  return !options.includes("close") && (minor === 1 || options.includes("keep-alive"));
}

/** Says which part of a head is too long. */
function tooLong(octets: Uint8Array): RequestError {
  return octets.includes(LF)
    ? new RequestError(431, `a request head has at most ${MAX_REQUEST_HEAD} bytes here`)
    : new RequestError(414, `a request target has less than ${MAX_REQUEST_HEAD} bytes here`);
}

function malformed(reason: string, cause?: unknown): RequestError {
  return new RequestError(400, reason, { cause });
}
