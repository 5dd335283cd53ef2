import type { Field } from "../http/fields.ts";
import {
  fieldsLength,
  HeadError,
  latin1,
  readFields,
  readRequestLine,
  type RequestHead,
  requestLength,
  type ResponseHead,
  statusAt,
  writeFields,
  writeRequestLine,
} from "../http/head.ts";
import { ErrorCode, StreamError } from "./errors.ts";
import { MAX_HEAD_LENGTH } from "./limits.ts";

// Heads on the wire are lines of HTTP/1.1, in one spelling, without the empty line behind them:
//
//     GET /path HTTP/1.1        200
//     host: app.example         content-length: 0

/** What ends a status line on the wire, which has a status and nothing else. */
const LINE_END = "\r\n";

/** Characters of a status line and its end. */
const STATUS_LINE_LENGTH = 3 + LINE_END.length;

/** Returns the bytes that a request head takes. @throws {StreamError} `TooLarge` for more than a frame may have. */
export function requestHeadLength(head: RequestHead): number {
  return checkedLength(requestLength(head));
}

/** Returns the bytes that a response head takes, likewise. */
export function responseHeadLength({ fields }: ResponseHead): number {
  return checkedLength(STATUS_LINE_LENGTH + fieldsLength(fields));
}

/**
 * Writes a request head into room of its length.
 *
 * @throws {StreamError} `Protocol` for a text that may not stand in a head.
 */
export function writeRequestHead(head: RequestHead, out: Uint8Array, offset: number): void {
  orStreamError(() => {
    writeFields(head.fields, out, writeRequestLine(head, out, offset));
  });
}

/** Writes a response head likewise. */
export function writeResponseHead(head: ResponseHead, out: Uint8Array, offset: number): void {
  if (!isStatus(head.status)) throw badStatus(String(head.status));
  const line = `${head.status}${LINE_END}`;
  for (let i = 0; i < line.length; i++) out[offset + i] = line.charCodeAt(i);
  orStreamError(() => {
    writeFields(head.fields, out, offset + STATUS_LINE_LENGTH);
  });
}

/**
 * Reads the head of an HTTPRequest or WSRequest; what it returns can be written to an origin as it is.
 *
 * @throws {StreamError} `Protocol` for anything but the one spelling, and for what RFC 9110 and RFC 9112 do not allow.
 */
export function decodeRequestHead(payload: Uint8Array): RequestHead {
  return orStreamError(() => {
    const text = latin1(payload);
    const { method, target, end } = readRequestLine(payload, text);
    const fields = readFields(payload, text, { start: end, end: payload.length }, "wire");
    checkOnce(fields, "host");
    checkContentLength(fields);
    return { method, target, fields };
  });
}

/** Reads the head of an HTTPResponse or WSResponse likewise; its status is a final one, or 101. */
export function decodeResponseHead(payload: Uint8Array): ResponseHead {
  return orStreamError(() => {
    const text = latin1(payload);
    const status = statusAt(text, 0);
    if (!isStatus(status) || !text.startsWith(LINE_END, 3)) throw badStatus(text.slice(0, 20));
    const range = { start: STATUS_LINE_LENGTH, end: payload.length };
    const fields = readFields(payload, text, range, "wire");
    checkContentLength(fields);
    return { status, fields };
  });
}

function checkedLength(length: number): number {
  if (length <= MAX_HEAD_LENGTH) return length;
  const most = `at most ${MAX_HEAD_LENGTH} are allowed`;
  throw new StreamError(ErrorCode.TooLarge, `a head of ${length} bytes; ${most}`);
}

/** Tells whether a status can stand on the wire: a final one, or that of an accepted WebSocket. */
function isStatus(status: number): boolean {
  return status === 101 || (Number.isInteger(status) && status >= 200 && status <= 599);
}

function badStatus(seen: string): StreamError {
  const reason = `malformed head: not a status from 200 to 599, or 101: ${JSON.stringify(seen)}`;
  return new StreamError(ErrorCode.Protocol, reason);
}

/** Checks what two recipients could read as two different lengths (RFC 9112 section 6.3). */
function checkContentLength(fields: readonly Field[]): void {
  const length = checkOnce(fields, "content-length");
  if (length === undefined) return;
  const isLength = /^[0-9]{1,16}$/.test(length) && Number.isSafeInteger(Number(length));
  if (!isLength) throw new HeadError("a content-length that is not a number of bytes", length);
}

/** Returns the value of a field that may stand there once: whom a message is for, or where it ends. */
function checkOnce(fields: readonly Field[], name: string): string | undefined {
  let value: string | undefined;
  for (const field of fields) {
    if (field[0] !== name) continue;
    if (value !== undefined) throw new HeadError(`a second ${name}`, field[1]);
    value = field[1];
  }
  return value;
}

function orStreamError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof HeadError)) throw error;
    throw new StreamError(ErrorCode.Protocol, `malformed head: ${error.message}`, { cause: error });
  }
}
