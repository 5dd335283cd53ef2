import { requestHeadBound, writeRequestFields } from "../../../http/request_writer.ts";
import { decodeRequestHead, type RequestHead } from "../../../wire/head.ts";
import { fieldValue, withoutHopByHop } from "../../../http/fields.ts";
import { takeOutputBuffer } from "./output_buffers.ts";
import { relayRequestHead } from "./request_relay.ts";

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
 * Turns the head of an HTTPRequest into a request to the origin; `host` takes the place of its Host, null leaves it.
 *
 * @throws {StreamError} `Protocol` for a head that is none.
 * @throws {OriginError} `malformed` for one that cannot be sent.
 */
export function originRequest(payload: Uint8Array, host: string | null): OriginRequest {
  return relayRequestHead(payload, host) ??
    writtenRequest(ownHead(decodeRequestHead(payload), host));
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

/** Writes such a head. @throws {OriginError} `malformed` when it cannot be sent. */
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
