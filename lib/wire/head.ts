import { parseContentLength } from "../http/content_length.ts";
import { type Field, fieldValues, isHopByHop } from "../http/fields.ts";
import { FieldLines, linesText, writeLines } from "../http/field_lines.ts";
import { readWireFields, readWirePairs } from "../http/field_reader.ts";
import {
  linesOf,
  ReadRequestHead,
  readRequestLine,
  type RequestHead,
  requestLine,
  type ResponseHead,
  statusAt,
} from "../http/head.ts";
import { HeadError, lineAt } from "../http/head_error.ts";
import {
  CR,
  isOf,
  latin1,
  LF,
  LINE_END,
  TEXT,
  withoutBlanks,
  writeLatin1,
} from "../http/octets.ts";
import { allowedTrailers } from "../http/trailers.ts";
import { ErrorCode, StreamError } from "./errors.ts";
import {
  MAX_HEAD_LENGTH,
  MAX_INTERIM_LENGTH,
  MAX_REASON_PHRASE_LENGTH,
  MAX_TRAILERS_LENGTH,
} from "./limits.ts";

// Heads on the wire are lines of HTTP/1.1, in one spelling, without the empty line behind them:
//
//     GET /path HTTP/1.1        200
//     host: app.example         content-length: 0

/** Characters of a response's first line and its end: on the wire it has a status and nothing else. */
const STATUS_LINE_LENGTH = 3 + LINE_END.length;

/** A head as it is written: a text of so many lines, and behind it field lines that are octets already. */
export interface WrittenHead {
  readonly text: string;
  readonly count: number;
  /** Null where the text has the field lines too. */
  readonly octets: Uint8Array | null;
}

/**
 * Makes the lines of a request head.
 *
 * @throws {StreamError} `Protocol` for texts that no head may have, `TooLarge` for more than a frame may have.
 */
export function writtenRequest(head: RequestHead): WrittenHead {
  return orStreamError(() => written(requestLine(head), head));
}

/** Makes the lines of a response head, likewise. */
export function writtenResponse(head: ResponseHead): WrittenHead {
  return orStreamError(() => {
    if (!isStatus(head.status)) throw badStatus(String(head.status));
    return written(`${head.status}${LINE_END}`, head);
  });
}

/** Returns the bytes that a head takes. */
export function headLength({ text, octets }: WrittenHead): number {
  return octets === null ? text.length : text.length + octets.length;
}

/**
 * Writes a head into room of its length. Fields that are no octets yet become octets here and nowhere before.
 *
 * @throws {StreamError} `Protocol` for a value that no head may have; some of it may be written then.
 */
export function writeHead(
  { text, count, octets }: WrittenHead,
  out: Uint8Array,
  offset: number,
): void {
  if (octets === null) {
    orStreamError(() => writeLines(text, count, out, offset));
    return;
  }
  writeLatin1(text, out, offset);
  out.set(octets, offset + text.length);
}

/**
 * Reads the head of an HTTPRequest or WSRequest, which may be written to an origin as it is.
 *
 * @throws {StreamError} `Protocol` for any other spelling than the one above, and for a second host or a wrong length.
 */
export function decodeRequestHead(payload: Uint8Array): RequestHead {
  return orStreamError(() => {
    const { method, target, end } = readRequestLine(payload);
    const lines = readWireFields(payload, { start: end, end: payload.length });
    if (lines.notableCount("host") > 1) {
      throw new HeadError("a request must have one host", lines.notableValue("host"));
    }
    checkContentLength(lines.notableValue("content-length"));
    return new ReadRequestHead(method, target, lines);
  });
}

/** Reads the head of an HTTPResponse or WSResponse likewise; its status is a final one, or 101. */
export function decodeResponseHead(payload: Uint8Array): ResponseHead {
  return orStreamError(() => {
    const status = statusAt(payload, 0);
    const isLine = isStatus(status) && payload[3] === CR && payload[4] === LF;
    if (!isLine) throw badStatus(lineAt(latin1(payload), 0));
    const range = { start: STATUS_LINE_LENGTH, end: payload.length };
    const fields = readWirePairs(payload, range);
    checkContentLength(fieldValues(fields, "content-length"));
    return { status, fields };
  });
}

/**
 * Makes the payload of an Interim; null for a head that is too long to travel.
 *
 * @throws {StreamError} `Protocol` for texts that no head may have.
 */
export function encodeInterim({ status, fields }: ResponseHead): Uint8Array | null {
  const octets = orStreamError(() => {
    if (!isInterimStatus(status)) throw badInterimStatus(String(status));
    return FieldLines.of(fields.filter(isOfInterim)).octets;
  });
  const start = `${status}${LINE_END}`;
  if (start.length + octets.length > MAX_INTERIM_LENGTH) return null;
  const payload = new Uint8Array(start.length + octets.length);
  writeLatin1(start, payload, 0);
  payload.set(octets, start.length);
  return payload;
}

/** Reads it. @throws {StreamError} `Protocol` for what is no head, or none of an interim response. */
export function decodeInterim(payload: Uint8Array): ResponseHead {
  return orStreamError(() => {
    const status = statusAt(payload, 0);
    const isLine = isInterimStatus(status) && payload[3] === CR && payload[4] === LF;
    if (!isLine) throw badInterimStatus(lineAt(latin1(payload), 0));
    const fields = readWirePairs(payload, { start: STATUS_LINE_LENGTH, end: payload.length });
    return { status, fields: fields.filter(isOfInterim) };
  });
}

/** Whether an interim response may have a field: it has no body, and those of one hop end there. */
function isOfInterim([name]: Field): boolean {
  return name !== "content-length" && !isHopByHop(name);
}

/** Makes the payload of a ReasonPhrase; null for a phrase that is too long to travel. */
export function encodeReasonPhrase(phrase: string): Uint8Array | null {
  if (phrase.length === 0 || phrase.length > MAX_REASON_PHRASE_LENGTH) return null;
  const octets = new Uint8Array(phrase.length);
  writeLatin1(phrase, octets, 0);
  return octets;
}

/** Reads it. @throws {StreamError} `Protocol` for what could end a status line (RFC 9112 section 4). */
export function decodeReasonPhrase(payload: Uint8Array): string {
  return orStreamError(() => {
    const phrase = latin1(payload);
    const isText = payload.every((octet) => isOf(octet, TEXT));
    if (isText && withoutBlanks(phrase) === phrase) return phrase;
    throw new HeadError("a reason phrase must be text without blanks around it", phrase);
  });
}

/**
 * Makes the payload of a Trailers; null where there is nothing that may travel, or more than fits.
 *
 * @throws {StreamError} `Protocol` for a field with a wrong name or value.
 */
export function encodeTrailers(fields: readonly Field[]): Uint8Array | null {
  const { octets } = orStreamError(() => FieldLines.of(allowedTrailers(fields)));
  return octets.length === 0 || octets.length > MAX_TRAILERS_LENGTH ? null : octets;
}

/** Reads it; fields that may not be trailers are passed over. @throws {StreamError} `Protocol` for what is no field. */
export function decodeTrailers(payload: Uint8Array): readonly Field[] {
  const end = payload.length;
  return orStreamError(() => allowedTrailers(readWirePairs(payload, { start: 0, end })));
}

/** Returns the bytes of body that a head has announced, null where it does not say. */
export function announcedLength(head: RequestHead): number | null {
  const length = linesOf(head).notableValue("content-length");
  return length === undefined ? null : parseContentLength(length) ?? null;
}

function written(first: string, given: RequestHead | ResponseHead): WrittenHead {
  const { lines } = given;
  const head = lines === undefined
    ? { text: first + linesText(given.fields), count: 1 + given.fields.length, octets: null }
    : { text: first, count: 1, octets: lines.octets };
  const length = headLength(head);
  if (length <= MAX_HEAD_LENGTH) return head;
  const most = `at most ${MAX_HEAD_LENGTH} are allowed`;
  throw new StreamError(ErrorCode.TooLarge, `a head of ${length} bytes; ${most}`);
}

/** Tells whether a status may be on the wire: a final one, or that of an accepted WebSocket. */
function isStatus(status: number): boolean {
  return status === 101 || (Number.isInteger(status) && status >= 200 && status <= 599);
}

/** 101 is a final answer where a WebSocket is asked for, and nothing anywhere else. */
function isInterimStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 100 && status <= 199 && status !== 101;
}

function badInterimStatus(seen: string): HeadError {
  return new HeadError("the first line must be a status from 100 to 199, and not 101", seen);
}

function badStatus(seen: string): HeadError {
  return new HeadError("the first line must be a status from 200 to 599, or 101", seen);
}

/**
 * Checks what all fields of that name say; several are joined by commas, which no number has.
 *
 * @throws {HeadError} for a length that two recipients could read differently (RFC 9112 section 6.3).
 */
function checkContentLength(length: string | undefined): void {
  if (length !== undefined && parseContentLength(length) === undefined) {
    throw new HeadError("content-length must be a number of bytes", length);
  }
}

function orStreamError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof HeadError)) throw error;
    throw new StreamError(ErrorCode.Protocol, `malformed head: ${error.message}`, { cause: error });
  }
}
