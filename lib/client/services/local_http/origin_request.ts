import {
  endToEndLines,
  requestRoom,
  writeRequest,
  writtenRequest,
} from "../../../http/request_writer.ts";
import { ReadRequestHead, type RequestHead } from "../../../http/head.ts";
import { takeOutputBuffer } from "./output_buffers.ts";

/** A request as the origin gets it: its head is written, but for what frames the body. */
export interface OriginRequest {
  /** Case-sensitive. */
  readonly method: string;
  /** Bytes of body that Content-Length announced; null where it is missing. */
  readonly length: number | null;
  /** Begins with the start line and the fields, and has room for the rest of a head. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Bytes of these. */
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

/** Writes the head of a request to the origin. @throws {OriginError} `malformed` when it cannot be sent. */
export function originRequest(head: ReadRequestHead): OriginRequest {
  const announced = head.lines.notableValue("content-length");
  const request = writtenRequest(head);
  const buffer = takeOutputBuffer(requestRoom(request));
  return {
    method: head.method,
    length: announced === undefined ? null : Number(announced),
    buffer,
    written: writeRequest(request, buffer),
  };
}
