import { type Field, fieldValue } from "./fields.ts";
import { FieldLines } from "./field_lines.ts";
import { HeadError, lineAt } from "./head_error.ts";
import { endOf, isAll, isToken, latin1, LINE_END, SP, TARGET, TOKEN } from "./octets.ts";

/** What opens an exchange: method, target and fields, in order. Each character is one octet. */
export interface RequestHead {
  /** A token, case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** The request target in origin-form or asterisk-form, as the visitor sent it (RFC 9112 section 3.2). */
  readonly target: string;
  readonly fields: readonly Field[];
  /** The same fields as lines, when they were read as such. */
  readonly lines?: FieldLines;
}

/** What answers it: status and fields, in order. Each character is one octet. */
export interface ResponseHead {
  /** 200 to 599, or 101 for an accepted WebSocket. */
  readonly status: number;
  /** Where it is another one than the status usually has (RFC 9112 section 4): text without blanks around it. */
  readonly reasonPhrase?: string | undefined;
  readonly fields: readonly Field[];
  readonly lines?: FieldLines;
}

/** Asks for a body that its visitor holds back (RFC 9110 section 10.1.1). */
export const CONTINUE: ResponseHead = { status: 100, fields: [] };

/** A request head that was read: its fields stay lines until someone asks for them. */
export class ReadRequestHead implements RequestHead {
  constructor(
    readonly method: string,
    readonly target: string,
    readonly lines: FieldLines,
  ) {}

  get fields(): readonly Field[] {
    return this.lines.list;
  }
}

/** A response head likewise. */
export class ReadResponseHead implements ResponseHead {
  constructor(
    readonly status: number,
    readonly lines: FieldLines,
    readonly reasonPhrase?: string,
  ) {}

  get fields(): readonly Field[] {
    return this.lines.list;
  }
}

/** Tells whether a browser asks for a page of another site what that may send: a CORS preflight (Fetch standard, section 3.3.2). */
export function isPreflight({ method, fields }: Pick<RequestHead, "method" | "fields">): boolean {
  return method === "OPTIONS" && fieldValue(fields, "origin") !== undefined &&
    fieldValue(fields, "access-control-request-method") !== undefined;
}

/** Returns the field lines of a head. @throws {HeadError} for fields that no head may have; one that was read has none. */
export function linesOf(head: RequestHead | ResponseHead): FieldLines {
  return head.lines ?? FieldLines.of(head.fields);
}

/**
 * Returns a request line (RFC 9112 section 3).
 *
 * @throws {HeadError} when method or target could end the line or be read as something else.
 */
export function requestLine({ method, target }: Pick<RequestHead, "method" | "target">): string {
  if (!isToken(method)) throw new HeadError("the method must be a token", method);
  if (!isTarget(target)) throw new HeadError("the target must be a path or *", target);
  if (method === CONNECT) throw new HeadError(NOT_CONNECT);
  return method + " " + target + VERSION;
}

/** The end of a request line, behind the target. */
const VERSION = ` HTTP/1.1${LINE_END}`;

/** Its answer would turn the connection into a tunnel, and its target is no path (RFC 9110 section 9.3.6). */
const CONNECT = "CONNECT";
const NOT_CONNECT = "the method must not be CONNECT";

/**
 * Reads the request line at the start of a head, in the spelling of {@linkcode requestLine} alone.
 *
 * @returns method, target, and the offset behind the line.
 * @throws {HeadError} for anything else.
 */
export function readRequestLine(
  octets: Uint8Array,
): { readonly method: string; readonly target: string; readonly end: number } {
  const methodEnd = endOf(octets, 0, TOKEN);
  const targetEnd = endOf(octets, methodEnd + 1, TARGET);
  const end = targetEnd + VERSION.length;
  const line = latin1(octets, 0, Math.min(end, octets.length));
  const target = line.slice(methodEnd + 1, targetEnd);
  const isLine = methodEnd > 0 && octets[methodEnd] === SP && line.startsWith(VERSION, targetEnd);
  if (!isLine || !isTarget(target)) {
    throw new HeadError("a request line must be a method, a target and HTTP/1.1", lineAt(line, 0));
  }
  const method = line.slice(0, methodEnd);
  if (method === CONNECT) throw new HeadError(NOT_CONNECT);
  return { method, target, end };
}

/** Returns the number that three digits at an offset make, NaN where there are others. */
export function statusAt(octets: Uint8Array, offset: number): number {
  let status = 0;
  for (let at = offset; at < offset + 3; at++) {
    const digit = (octets[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    status = status * 10 + digit;
  }
  return status;
}

/** Tells whether a text is a path or `*`, the targets that an origin is asked for (RFC 9112 section 3.2). */
function isTarget(text: string): boolean {
  return text.charCodeAt(0) === SLASH ? isAll(text, TARGET) : text === "*";
}

const SLASH = 0x2f;
