import { requestHeadBound, writeRequestFields } from "../../../http/request_writer.ts";
import type { RequestHead } from "../../../http/head.ts";
import { fieldValue, withoutHopByHop } from "../../../http/fields.ts";
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

/** Returns the head that the origin gets: its end-to-end fields, with another Host where that is asked for. */
export function ownHead({ method, target, fields }: RequestHead, host: string | null): RequestHead {
  const kept = withoutHopByHop(fields);
  if (host === null) return { method, target, fields: kept };
  return {
    method,
    target,
    fields: kept.map((field) => field[0] === "host" ? ["host", host] : field),
  };
}

/** Writes the head of a request to the origin. @throws {OriginError} `malformed` when it cannot be sent. */
export function writtenRequest(head: RequestHead): OriginRequest {
  const announced = fieldValue(head.fields, "content-length");
  const buffer = takeOutputBuffer(requestHeadBound(head));
  return {
    method: head.method,
    length: announced === undefined ? null : Number(announced),
    buffer,
    written: writeRequestFields(head, buffer),
  };
}
