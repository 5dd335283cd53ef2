import { logsInConnection } from "../../../http/connection_login.ts";
import {
  endToEndLines,
  prepareRequest,
  requestRoom,
  writeRequest,
} from "../../../http/request_writer.ts";
import { takesTrailers } from "../../../http/fields.ts";
import { linesOf, ReadRequestHead, type RequestHead } from "../../../http/head.ts";
import { NotableKind } from "../../../http/notable_line.ts";
import { writeLatin1 } from "../../../http/octets.ts";

/** Bytes of a request's buffer: most requests fit with their body, and go out in one write. */
const REQUEST_BUFFER = 16 * 1024;

/** Buffers kept for later requests: 1 MiB of them. */
const MAX_SPARE_BUFFERS = 64;

const spareBuffers: Uint8Array<ArrayBuffer>[] = [];

/** A request as the origin gets it: its head is written, but for the lines that frame the body. */
export interface OriginRequest {
  /** Case-sensitive. */
  readonly method: string;
  /** Bytes of body that Content-Length announced; null where it is missing. */
  readonly length: number | null;
  /** Whether it belongs to a login of the connection: nobody else may use it then. */
  readonly logsIn: boolean;
  /** Whether the origin is asked to speak WebSocket from here on: no other exchange may use its connection. */
  readonly isHandshake: boolean;
  /** Begins with the request line and the field lines, and has room for the rest of a head. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Bytes that these lines take. */
  readonly written: number;
}

/**
 * Returns the head that the origin gets: its end-to-end fields, with another Host where that is asked for.
 *
 * @throws {OriginError} `malformed` for fields that no head may have.
 */
export function ownHead(head: RequestHead, host: string | null): ReadRequestHead {
  const lines = endToEndLines(head);
  const own = host === null ? lines : lines.withHost(host);
  return new ReadRequestHead(head.method, head.target, own);
}

/**
 * Writes the head of a request to the origin; its buffer is for {@linkcode giveBack} once nothing is written from it.
 *
 * @throws {OriginError} `malformed` when it cannot be sent.
 */
export function originRequest(head: ReadRequestHead, takesTrailers = false): OriginRequest {
  return writtenRequest(head, takesTrailers ? TE_LINES : "", false);
}

/** Whether the visitor of a request takes trailers, which its server says in a field that ends at this hop. */
export function wantsTrailers(head: RequestHead): boolean {
  const lines = linesOf(head);
  return lines.has(NotableKind.HopByHop) && takesTrailers(lines.notableValue("te"));
}

/** Says to the origin that trailers are welcome (RFC 9110 section 10.1.4). */
const TE_LINES = "te: trailers\r\nconnection: te\r\n";

/**
 * Writes a handshake (RFC 6455 section 4.1) likewise: `lines` are those that each hop writes by itself.
 *
 * @throws {OriginError} `malformed` when it cannot be sent.
 */
export function originHandshake(head: ReadRequestHead, lines: string): OriginRequest {
  return writtenRequest(head, lines, true);
}

function writtenRequest(
  head: ReadRequestHead,
  lines: string,
  isHandshake: boolean,
): OriginRequest {
  const announced = head.lines.notableValue("content-length");
  const request = prepareRequest(head);
  const buffer = takeBuffer(requestRoom(request) + lines.length);
  const written = writeRequest(request, buffer);
  writeLatin1(lines, buffer, written);
  return {
    method: head.method,
    length: announced === undefined ? null : Number(announced),
    logsIn: logsInConnection(head.lines),
    isHandshake,
    buffer,
    written: written + lines.length,
  };
}

/** Takes back the buffer of a request that has been sent, or never will be. */
export function giveBack(buffer: Uint8Array<ArrayBuffer>): void {
  if (buffer.length !== REQUEST_BUFFER || spareBuffers.length >= MAX_SPARE_BUFFERS) return;
  spareBuffers.push(buffer);
}

function takeBuffer(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes > REQUEST_BUFFER) return new Uint8Array(bytes);
  return spareBuffers.pop() ?? new Uint8Array(REQUEST_BUFFER);
}
