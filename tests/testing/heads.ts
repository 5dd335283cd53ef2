import { toBytes } from "./latin1.ts";
import type { RequestHead, ResponseHead } from "../../lib/http/head.ts";
import {
  headLength,
  writeHead,
  type WrittenHead,
  writtenRequest,
  writtenResponse,
} from "../../lib/wire/head.ts";

/** A request without anything special about it. */
export const GET: RequestHead = { method: "GET", target: "/", fields: [] };

/** The answers to it, and to a WebSocket's handshake. */
export const OK: ResponseHead = { status: 200, fields: [] };
export const ACCEPTED: ResponseHead = { status: 101, fields: [] };

/** Returns what a head says, in the order of its members: a head that was read has its fields otherwise. */
export function plain(head: RequestHead | ResponseHead): RequestHead | ResponseHead {
  const { fields } = head;
  if ("status" in head) return { status: head.status, fields };
  return { method: head.method, target: head.target, fields };
}

/** Returns the bytes of a request head as they stand in a frame, behind the window. */
export function encodeRequestHead(head: RequestHead): Uint8Array<ArrayBuffer> {
  return bytesOf(writtenRequest(head));
}

/** Returns the bytes of a response head as they stand in a frame. */
export function encodeResponseHead(head: ResponseHead): Uint8Array<ArrayBuffer> {
  return bytesOf(writtenResponse(head));
}

/** Returns lines as they would stand in a frame, right or wrong: a start line, then a line for each pair. */
export function rawHead(
  start: string,
  fields: readonly (readonly string[])[] = [],
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    toBytes([start, ...fields.map((field) => field.join(": ")), ""].join("\r\n")),
  );
}

function bytesOf(head: WrittenHead): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headLength(head));
  writeHead(head, bytes, 0);
  return bytes;
}
