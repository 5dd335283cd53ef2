import { STATUS_TEXT } from "@std/http/status";
import type { ResponseFraming } from "./body_decoder.ts";
import { logsInConnection } from "./connection_login.ts";
import { parseContentLengths } from "./content_length.ts";
import { connectionOptions } from "./fields.ts";
import type { FieldLines } from "./field_lines.ts";
import { FOREIGN_ADVICE, foreignProtocol } from "./foreign_protocol.ts";
import { type HeadRange, readMessageFields } from "./field_reader.ts";
import { ReadResponseHead, type ResponseHead, statusAt } from "./head.ts";
import { HeadError, lineAt } from "./head_error.ts";
import { LF_ALONE, Mendings } from "./mendings.ts";
import { CR, isOf, latin1, LF, SP, TEXT, withoutBlanks } from "./octets.ts";
import { OriginError } from "./origin_error.ts";

/** Bounds a response head, in bytes: what the server's own listener takes from visitors. */
export const MAX_RESPONSE_HEAD = 64 * 1024;

/** A response head for the visitor, and what it says of the connection that it came on. */
export interface ParsedHead {
  /** Its fields are end-to-end ones alone; the status may be informational (1xx). */
  readonly head: ResponseHead;
  readonly framing: ResponseFraming;
  /** What a 101 says the connection speaks from here on, in lower case; null when it says nothing, and for other answers. */
  readonly upgrade: string | null;
  /** Tells whether the origin keeps the connection open (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** Whether it has no body whatever its fields say; some origins send one all the same. */
  readonly isBodiless: boolean;
  /** Whether it belongs to a login of the connection: nobody else may use it then. */
  readonly logsIn: boolean;
  /** What was mended of it: the connection is not used again then. */
  readonly mended: readonly string[];
  /** Where the head ends in the buffer: the offset of the first byte behind it. */
  readonly end: number;
}

/**
 * Reads response heads (RFC 9112 sections 4 and 5): what can be read in one way only is mended, and everything else that
 * breaks the grammar refused, for a tunnel would disagree with other recipients about where a message ends.
 *
 * One parser serves a connection: it remembers how much of an unfinished head it has looked at.
 */
export class ResponseHeadParser {
  /** Octets of the unfinished head that were found well-formed. */
  #scanned = 0;
  /** Whether the first line, whose reason may have any octets, has ended within them. */
  #isBehindStatusLine = false;
  readonly #mendings = new Mendings();

  /**
   * Reads the head that begins at `start`, or returns null when it does not end before `end`; call again once there is
   * more, with the same bytes in front. The request's `method` decides whether a body follows.
   *
   * @throws {OriginError} `malformed`, as soon as the bytes at hand cannot become a head.
   */
  parse(buffer: Uint8Array, start: number, end: number, method: string): ParsedHead | null {
    const headEnd = this.#findEnd(buffer, start, end);
    if (headEnd === -1) return null;
    this.#scanned = 0;
    this.#isBehindStatusLine = false;
    return parseHead(buffer.subarray(start, headEnd), { method, end: headEnd }, this.#mendings);
  }

  /**
   * Returns the offset behind the empty line, or -1. What has come of an unfinished head is checked, each octet once
   * however it arrives: an origin of another protocol may never end one.
   */
  #findEnd(buffer: Uint8Array, start: number, end: number): number {
    const limit = Math.min(end, start + MAX_RESPONSE_HEAD);
    let at = start + this.#scanned;
    if (this.#scanned < PROTOCOL.length) checkProtocol(buffer, start, limit);
    const whole = emptyLineEnd(buffer, Math.max(start, at - 2), limit);
    if (whole !== -1) return whole;
    for (; at < limit; at++) {
      const octet = buffer[at] ?? 0;
      if (isOf(octet, TEXT)) continue;
      if (octet === CR) {
        // Whether LF follows is seen when more has come.
        if (at + 1 === limit) break;
        if (buffer[at + 1] !== LF) throw malformed(BARE_CR);
      } else if (octet === LF) this.#isBehindStatusLine = true;
      else if (this.#isBehindStatusLine) {
        throw malformed(`it must not have the octet 0x${octet.toString(16)}`);
      }
    }
    this.#scanned = at - start;
    if (limit - start < MAX_RESPONSE_HEAD) return -1;
    throw malformed(`it must have at most ${MAX_RESPONSE_HEAD} bytes`);
  }
}

const BARE_CR = "a CR must be followed by LF";

const PROTOCOL = "HTTP/1.";
/** "HTTP/1.1 200": what every status line begins with; the reason may be missing. */
const STATUS_LINE_LENGTH = 12;

/** Returns the offset behind the first empty line, without a look at the lines before it, or -1. */
function emptyLineEnd(buffer: Uint8Array, start: number, end: number): number {
  for (let at = start; at + 1 < end; at++) {
    if (buffer[at] !== LF) continue;
    if (buffer[at + 1] === LF) return at + 2;
    if (buffer[at + 1] === CR && buffer[at + 2] === LF && at + 2 < end) return at + 3;
  }
  return -1;
}

/** @throws {OriginError} as soon as the first bytes are not those of a response, even when few are there. */
function checkProtocol(buffer: Uint8Array, start: number, end: number): void {
  for (let i = 0; i < PROTOCOL.length && start + i < end; i++) {
    if (buffer[start + i] === PROTOCOL.charCodeAt(i)) continue;
    const foreign = foreignProtocol(buffer, start, end);
    if (foreign !== null) throw new OriginError("malformed", FOREIGN_ADVICE[foreign]);
    throw malformed(`it must begin with ${PROTOCOL}`, lineAt(latin1(buffer, start, end), 0));
  }
}

/** Parses a whole head; the octets of an unfinished one have been checked before, those of a whole one have not. */
function parseHead(
  octets: Uint8Array,
  { method, end }: { readonly method: string; readonly end: number },
  mendings: Mendings,
): ParsedHead {
  const firstLF = octets.indexOf(LF);
  const lineEnd = octets[firstLF - 1] === CR ? firstLF - 1 : firstLF;
  const { minor, status, reasonPhrase } = parseStatusLine(octets, lineEnd, mendings);
  // The empty line is not a field.
  const fieldsEnd = octets.length - (octets[octets.length - 2] === CR ? 2 : 1);
  if (lineEnd === firstLF || fieldsEnd === octets.length - 1) mendings.note(LF_ALONE);
  const lines = readLines(octets, { start: firstLF + 1, end: fieldsEnd }, mendings);
  const announced = lines.notableValue("content-length");
  const length = announced === undefined ? null : lengthIn(announced);
  const framing = bodyFraming(lines.notableValue("transfer-encoding"), length, minor);
  const isBodiless = method === "HEAD" || status === 204 || status === 304 || status < 200;
  const own = lines.endToEnd();
  return {
    head: new ReadResponseHead(
      status,
      withOneLength(own, announced, status === 204 ? null : length),
      reasonPhrase,
    ),
    framing: isBodiless ? 0 : framing,
    upgrade: status === 101 ? upgradeIn(lines) : null,
    keepAlive: staysOpen(lines.notableValue("connection"), minor),
    isBodiless,
    logsIn: logsInConnection(lines),
    mended: mendings.take(),
    end,
  };
}

/** The rule for a status line (RFC 9112 section 4). */
const STATUS_LINE =
  "a status line must be HTTP/1.0 or HTTP/1.1, a status from 100 to 599 and a reason";

function parseStatusLine(
  octets: Uint8Array,
  lineEnd: number,
  mendings: Mendings,
): { readonly minor: number; readonly status: number; readonly reasonPhrase: string | undefined } {
  const minor = (octets[PROTOCOL.length] ?? 0) - 0x30;
  const status = statusAt(octets, STATUS_LINE_LENGTH - 3);
  const isLine = (minor === 0 || minor === 1) && status >= 100 && status < 600 &&
    octets[PROTOCOL.length + 1] === SP &&
    (lineEnd === STATUS_LINE_LENGTH || octets[STATUS_LINE_LENGTH] === SP);
  if (!isLine) throw malformed(STATUS_LINE, latin1(octets, 0, lineEnd));
  // Nobody decides anything by the reason, so it may have any octets that leave the end of its line beyond doubt.
  const start = STATUS_LINE_LENGTH + 1;
  const usual = STATUS_TEXT[status] ?? "";
  let isUsual = lineEnd <= start || lineEnd - start === usual.length;
  let isText = true;
  for (let at = start; at < lineEnd; at++) {
    const octet = octets[at] ?? 0;
    if (octet !== usual.charCodeAt(at - start)) isUsual = false;
    if (isOf(octet, TEXT)) continue;
    if (octet === CR) throw malformed(BARE_CR, latin1(octets, 0, lineEnd));
    mendings.note("the reason has a control character (RFC 9112 section 4)");
    isText = false;
  }
  // What is usual, or not there, the visitor gets without being told.
  const reasonPhrase = isUsual || !isText ? "" : withoutBlanks(latin1(octets, start, lineEnd));
  return { minor, status, reasonPhrase: reasonPhrase === "" ? undefined : reasonPhrase };
}

function readLines(octets: Uint8Array, range: HeadRange, mendings: Mendings): FieldLines {
  try {
    return readMessageFields(octets, range, mendings);
  } catch (error) {
    throw error instanceof HeadError ? originError(error) : error;
  }
}

/** Tells whether the connection stays open behind this message (RFC 9112 section 9.3). */
function staysOpen(connection: string | undefined, minor: number): boolean {
  if (connection === undefined) return minor === 1;
  const options = connectionOptions(connection);
  return !options.includes("close") && (minor === 1 || options.includes("keep-alive"));
}

/** Returns the protocol that a head of status 101 names (RFC 9110 section 7.8), or null. */
function upgradeIn(lines: FieldLines): string | null {
  const options = connectionOptions(lines.notableValue("connection") ?? "");
  return options.includes("upgrade") ? lines.notableValue("upgrade")?.toLowerCase() ?? null : null;
}

/** Puts one Content-Length in place of several equal ones (RFC 9110 section 8.6), or none when `length` is null. */
function withOneLength(
  lines: FieldLines,
  announced: string | undefined,
  length: number | null,
): FieldLines {
  if (announced === undefined) return lines;
  if (length === null) return lines.withoutLength();
  return announced === String(length) ? lines : lines.withLength(length);
}

/** Decides how the body is delimited (RFC 9112 section 6.3). @throws {OriginError} where two readers could disagree. */
function bodyFraming(
  coding: string | undefined,
  length: number | null,
  minor: number,
): ResponseFraming {
  if (coding === undefined) return length ?? "close";
  if (length !== null) {
    throw malformed("Content-Length and Transfer-Encoding must not both be there");
  }
  if (minor === 0) throw malformed("HTTP/1.0 must have no Transfer-Encoding");
  if (coding.toLowerCase() !== "chunked") {
    throw malformed("the transfer coding must be chunked", coding);
  }
  return "chunked";
}

function lengthIn(text: string): number {
  const length = parseContentLengths(text);
  if (length === undefined) throw malformed("Content-Length must be one number of bytes", text);
  return length;
}

function malformed(rule: string, seen?: string): OriginError {
  return originError(new HeadError(rule, seen));
}

function originError(cause: HeadError): OriginError {
  return new OriginError("malformed", `the origin's head is malformed: ${cause.message}`, {
    cause,
  });
}
