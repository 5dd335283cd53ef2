import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { parseJSONObject } from "../../wire/json.ts";
import { MAX_HEAD_LENGTH } from "../../wire/limits.ts";
import { encodeUtf8 } from "../../wire/utf8.ts";

/** What the node that has the tunnel must know beside the head of a request. */
export interface NodeOpening {
  readonly hostname: string;
  /** The visitor's address. */
  readonly address: string;
}

/** Bytes of the length in front, and of the window that a session puts before an opening. */
const LENGTH_BYTES = 2;
const WINDOW_BYTES = 4;

/**
 * Puts an opening before the head of a request: length u16, JSON, head.
 *
 * @throws {StreamError} `TooLarge` when the node asked would end the whole session for it.
 */
export function withOpening({ hostname, address }: NodeOpening, head: Uint8Array): Uint8Array {
  const json = encodeUtf8(JSON.stringify({ hostname, address }));
  const length = LENGTH_BYTES + json.length + head.length;
  if (length + WINDOW_BYTES > MAX_HEAD_LENGTH) {
    throw new StreamError(ErrorCode.TooLarge, `a head of ${head.length} bytes is too long`);
  }
  const payload = new Uint8Array(length);
  payload[0] = json.length >> 8;
  payload[1] = json.length & 0xff;
  payload.set(json, LENGTH_BYTES);
  payload.set(head, LENGTH_BYTES + json.length);
  return payload;
}

/** Takes an opening and the head behind it apart. @throws {StreamError} `Protocol` for anything else. */
export function parseOpening(payload: Uint8Array): NodeOpening & { readonly head: Uint8Array } {
  const [high = 0, low = 0] = payload;
  const end = LENGTH_BYTES + high * 256 + low;
  const { hostname, address } = parseJSONObject(payload.subarray(LENGTH_BYTES, end)) ?? {};
  if (end > payload.length || typeof hostname !== "string" || typeof address !== "string") {
    throw new StreamError(ErrorCode.Protocol, "malformed opening of a request from another node");
  }
  return { hostname, address, head: payload.subarray(end) };
}
