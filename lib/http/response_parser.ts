import type { ResponseFraming } from "./body_decoder.ts";
import { connectionOptions, type Field, isHopByHop, withoutHopByHop } from "./fields.ts";
import { HeadError, latin1, readFields, type ResponseHead, statusAt } from "./head.ts";
import { CR, isBlank, LF, OCTETS, SP, TEXT } from "./octets.ts";
import { OriginError } from "./origin_error.ts";

/** Bounds a response head, in bytes: what the server's own listener takes from visitors. */
export const MAX_RESPONSE_HEAD = 64 * 1024;

/** What a response head says: for the visitor, and for the connection that it came on. */
export interface ParsedHead {
  /** Its fields are end-to-end ones alone; the status may be informational (1xx). */
  readonly head: ResponseHead;
  readonly framing: ResponseFraming;
  /** Tells whether the origin keeps the connection open (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** Where the head ends in the buffer: the offset of the first byte behind it. */
  readonly end: number;
}

/**
 * Reads response heads strictly (RFC 9112 sections 4 and 5): a tunnel that is lenient about an origin's
 * head would disagree with the next recipient about where a message ends.
 *
 * One parser serves a connection: it remembers how much of an unfinished head it has looked at.
 */
export class ResponseHeadParser {
  /** Octets of the unfinished head that were found well-formed. */
  #scanned = 0;

  /**
   * Reads the head that begins at `start`, or returns null when it does not end before `end`; call again
   * once there is more, with the same bytes in front.
   *
   * @throws {OriginError} `malformed`, as soon as the bytes at hand cannot become a head.
   */
  parse(buffer: Uint8Array, start: number, end: number, method: string): ParsedHead | null {
    const headEnd = this.#findEnd(buffer, start, end);
    if (headEnd === -1) return null;
    this.#scanned = 0;
    return { ...parseHead(buffer.subarray(start, headEnd), method), end: headEnd };
  }

  /** Returns the offset behind the empty line, or -1; each octet is looked at once, however it arrives. */
  #findEnd(buffer: Uint8Array, start: number, end: number): number {
    const limit = Math.min(end, start + MAX_RESPONSE_HEAD);
    for (let i = start + this.#scanned; i < limit; i++) {
      const octet = buffer[i] ?? 0;
      if (octet === LF) {
        if (i === start || buffer[i - 1] !== CR) throw malformed("a line ends without CR", "LF");
        if (i - start >= 3 && buffer[i - 2] === LF) return i + 1;
      } else if (i > start && buffer[i - 1] === CR) {
        throw malformed("a CR does not end a line", "CR");
      } else if (octet !== CR && ((OCTETS[octet] ?? 0) & TEXT) === 0) {
        throw malformed("a control character", octet.toString(16));
      } else if (i - start < PROTOCOL.length && octet !== PROTOCOL.charCodeAt(i - start)) {
        throw malformed("no HTTP/1 status line, it begins", latin1(buffer, start, i + 1));
      }
    }
    this.#scanned = limit - start;
    if (this.#scanned < MAX_RESPONSE_HEAD) return -1;
    throw malformed("the head is longer than bytes", String(MAX_RESPONSE_HEAD));
  }
}

const PROTOCOL = "HTTP/1.";
/** "HTTP/1.1 200": what every status line begins with; the reason may be missing. */
const STATUS_LINE_LENGTH = 12;

/** Parses a whole head, whose octets and line ends the scan has already found well-formed. */
function parseHead(octets: Uint8Array, method: string): Omit<ParsedHead, "end"> {
  const text = latin1(octets);
  const lineEnd = text.indexOf("\r\n");
  const { minor, status } = parseStatusLine(text.slice(0, lineEnd));
  // The empty line is no field.
  const all = fieldsOf(octets, text, lineEnd + 2, octets.length - 2);
  const { coding, length, connection } = framingFields(all);
  const isKept = connection === null
    ? minor === 1
    : staysOpen(connectionOptions(connection), minor === 1);
  const isBodiless = method === "HEAD" || status === 204 || status === 304 || status < 200;
  const framing = bodyFraming(coding, length, minor);
  return {
    head: { status, fields: withOneLength(withoutHopByHop(all), status === 204 ? null : length) },
    framing: isBodiless ? 0 : framing,
    keepAlive: isKept,
  };
}

function parseStatusLine(line: string): { readonly minor: number; readonly status: number } {
  const minor = line.charCodeAt(PROTOCOL.length) - 0x30;
  const status = statusAt(line, 9);
  const behind = line.charCodeAt(STATUS_LINE_LENGTH);
  const isLine = minor >= 0 && minor <= 1 && status >= 100 && status < 600 &&
    line.charCodeAt(8) === SP && (line.length === STATUS_LINE_LENGTH || behind === SP);
  if (!isLine) throw malformed("a bad status line", line);
  return { minor, status };
}

function fieldsOf(octets: Uint8Array, text: string, start: number, end: number): Field[] {
  try {
    return readFields(octets, text, { start, end }, "message");
  } catch (error) {
    if (!(error instanceof HeadError)) throw error;
    throw new OriginError("malformed", `${PREFIX}${error.message}`, { cause: error });
  }
}

/** Collects what the fields say of the body's end and of the connection. */
function framingFields(fields: readonly Field[]) {
  let coding: string | null = null;
  let length: number | null = null;
  let connection: string | null = null;
  for (const [name, value] of fields) {
    if (name === "content-length") length = parseLength(value, length);
    else if (!isHopByHop(name)) continue;
    else if (name === "transfer-encoding") coding = coding === null ? value : `${coding}, ${value}`;
    else if (name === "connection") {
      connection = connection === null ? value : `${connection},${value}`;
    }
  }
  return { coding, length, connection };
}

function staysOpen(options: readonly string[], isUsual: boolean): boolean {
  return !options.includes("close") && (isUsual || options.includes("keep-alive"));
}

/** Lets one Content-Length stand for several equal ones (RFC 9110 section 8.6), or none where `length` is null. */
function withOneLength(fields: Field[], length: number | null): Field[] {
  const first = fields.findIndex(([name]) => name === "content-length");
  if (first === -1) return fields;
  const last = fields.findLastIndex(([name]) => name === "content-length");
  if (first === last && length !== null && fields[first]?.[1] === String(length)) return fields;
  return fields.flatMap((field, at): Field[] => {
    if (field[0] !== "content-length") return [field];
    return at === first && length !== null ? [["content-length", String(length)]] : [];
  });
}

/** Decides how the body is delimited (RFC 9112 section 6.3), or refuses what two readers would see differently. */
function bodyFraming(
  coding: string | null,
  length: number | null,
  minor: number,
): ResponseFraming {
  if (coding === null) return length ?? "close";
  if (length !== null) throw malformed("Content-Length beside Transfer-Encoding", coding);
  if (minor === 0) throw malformed("Transfer-Encoding in HTTP/1.0", coding);
  if (coding.toLowerCase() !== "chunked") throw malformed("a transfer coding but chunked", coding);
  return "chunked";
}

function parseLength(value: string, before: number | null): number {
  let length = before;
  for (const part of value.includes(",") ? value.split(",") : [value]) {
    const digits = trim(part);
    const parsed = /^[0-9]+$/.test(digits) ? Number(digits) : NaN;
    if (!Number.isSafeInteger(parsed)) throw malformed("a bad Content-Length", value);
    if (length !== null && length !== parsed) throw malformed("two Content-Lengths", value);
    length = parsed;
  }
  return length ?? 0;
}

/** Takes blanks off both ends; `trim` would take Latin-1's no-break space too. */
function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const PREFIX = "the origin sent no valid head: ";

function malformed(what: string, value: string): OriginError {
  const shown = value.length > 64 ? `${value.slice(0, 64)}…` : value;
  return new OriginError("malformed", `${PREFIX}${what}: ${JSON.stringify(shown)}`);
}
