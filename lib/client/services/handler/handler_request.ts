import {
  expectsContinue,
  fieldValue,
  HANDSHAKE_FIELDS,
  withoutHopByHop,
} from "../../../http/fields.ts";
import { CONTINUE, type RequestHead } from "../../../http/head.ts";
import { percentEncoded } from "../../../http/octets.ts";
import { FrameType } from "../../../wire/frame.ts";
import type { Incoming } from "../service.ts";

/** Makes the standard's request of what a visitor asked. */
export function requestOf(
  incoming: Incoming,
  { method, target, fields }: RequestHead,
  signal: AbortSignal,
): Request {
  const isWebSocket = incoming.type === FrameType.WSRequest;
  const headers: [name: string, value: string][] = [];
  for (const [name, value] of withoutHopByHop(fields)) {
    if (!isWebSocket || !HANDSHAKE_FIELDS.has(name)) headers.push([name, value]);
  }
  // These ended at the server, and frameworks tell by them what is asked for.
  if (isWebSocket) headers.push(...HANDSHAKE);
  // A `Request` of these methods cannot have a body: one that comes is not read.
  const isBodiless = incoming.receiveEnded || method === "GET" || method === "HEAD" || isWebSocket;
  const body = isBodiless ? null : bodyOf(incoming, expectsContinue(fields));
  // Node asks for `duplex` where a body is a stream (Fetch standard, section 5.4).
  // A list of fields is read once; `Headers` would be filled, and then copied into another, at twice the CPU time.
  const init = { method, headers, signal, body, duplex: "half" };
  return new Request(urlOf(target, fields), init);
}

/** Methods that no `Request` can have (Fetch standard, section 2.2.1). */
export const NOT_ASKED: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** What a handshake has of the fields that belong to one hop (RFC 6455 section 4.1). */
const HANDSHAKE: readonly [name: string, value: string][] = [
  ["connection", "Upgrade"],
  ["upgrade", "websocket"],
  ["sec-websocket-version", "13"],
];

/** Returns the URL of the WebSocket that the visitor asked for. */
export function webSocketUrlOf({ target, fields }: RequestHead): string {
  return urlOf(target, fields).replace("http", "ws");
}

/** Returns the URL that the visitor asked for; octets beyond ASCII are percent-encoded, for a URL has none. */
function urlOf(target: string, fields: RequestHead["fields"]): string {
  const scheme = fieldValue(fields, "x-forwarded-proto") === "https" ? "https" : "http";
  const host = fieldValue(fields, "host") ?? "localhost";
  // The target `*` (RFC 9112 section 3.2.4) has no URL of its own.
  const path = target === "*" ? "/" : target;
  return `${scheme}://${host}${percentEncoded(path)}`;
}

/**
 * Returns the body of a request, which is taken from the tunnel no faster than the handler reads it, and asked for when it
 * does where the visitor holds it back.
 */
function bodyOf(
  incoming: Incoming,
  isHeldBack: boolean,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isAsked = !isHeldBack;
  return new ReadableStream({
    async pull(controller) {
      if (!isAsked) incoming.sendInterim(CONTINUE);
      isAsked = true;
      const chunk = await incoming.read();
      // The handler may give its bytes away, and these share their memory with other streams.
      if (chunk !== null) controller.enqueue(chunk.bytes.slice());
      else controller.close();
    },
  }, { highWaterMark: 0 });
}
