import { connectionOptions, type Field } from "../http/fields.ts";
import type { ParsedHead } from "../http/response_parser.ts";
import { SessionError } from "../wire/errors.ts";
import type { HTTPProxy } from "../net/http_proxy.ts";
import { systemReason } from "../net/system_reason.ts";
import { type ByteStream, closingOnAbort, writeAll } from "../net/byte_stream.ts";
import { connect } from "./connect.ts";
import { acceptOf, newHandshakeKey } from "./handshake_key.ts";
import { DialError } from "./dial_error.ts";
import { HandshakeResponse, sentenceIn } from "./handshake_response.ts";

export interface DialOptions {
  /** The subprotocol that is offered; the server must choose it. */
  readonly protocol: string;
  /** The proxy that leads there; null for none. @default null */
  readonly proxy?: HTTPProxy | null;
  /** Authorities in PEM that are trusted beside the usual ones. @default [] */
  readonly authorities?: readonly string[];
  /** More fields for the request than the handshake has. @default [] */
  readonly fields?: readonly Field[];
  /** Milliseconds for the connection and the handshake together. */
  readonly timeout: number;
  /** Gives up; the promise rejects with its reason. */
  readonly signal: AbortSignal;
}

/** A connection that speaks WebSocket from here on. */
export interface DialledWebSocket {
  readonly connection: ByteStream;
  /** What came right behind the handshake: the first frames. */
  readonly early: Uint8Array;
}

/** Characters of a URL that a redirect names. */
const MAX_DETAIL = 300;

/**
 * Opens a WebSocket (RFC 6455 section 4.1) to an `http:` or `https:` URL; an abort leaves nothing open.
 *
 * @throws {DialError} when the server cannot be reached, or does not speak this protocol.
 */
export async function dialWebSocket(url: URL, options: DialOptions): Promise<DialledWebSocket> {
  const { timeout, signal, proxy = null, authorities = [] } = options;
  const abort = new AbortController();
  const giveUp = (): void => abort.abort(signal.reason);
  let step: "connection" | "answer" = "connection";
  const timer = setTimeout(() => abort.abort(late(step, timeout)), timeout);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp);
  try {
    const connection = await connect(url, {
      signal: abort.signal,
      proxy,
      authorities,
      onConnected: () => step = "answer",
    });
    return await closingOnAbort(
      connection,
      abort.signal,
      () => shakeHands(connection, url, options),
    );
  } catch (cause) {
    abort.signal.throwIfAborted();
    if (cause instanceof SessionError) throw cause;
    throw new DialError({ kind: "cut" }, systemReason(cause), { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

async function shakeHands(
  connection: ByteStream,
  url: URL,
  { protocol, fields: extra = [] }: DialOptions,
): Promise<DialledWebSocket> {
  const key = newHandshakeKey();
  await writeAll(connection, requestHead(url, protocol, key, extra));
  const response = new HandshakeResponse(connection);
  const parsed = await response.head();
  if (parsed.head.status !== 101) throw await refused(response, parsed, url);
  const fields = response.fields(parsed);
  if (fields.get("upgrade")?.toLowerCase() !== "websocket") throw wrong("no Upgrade: websocket");
  if (!connectionOptions(fields.get("connection") ?? "").includes("upgrade")) {
    throw wrong("no Connection: Upgrade");
  }
  if (fields.get("sec-websocket-accept") !== acceptOf(key)) {
    throw wrong("another Sec-WebSocket-Accept");
  }
  const chosen = fields.get("sec-websocket-protocol");
  if (chosen !== protocol) throw otherProtocol(chosen ?? null, protocol);
  if (fields.has("sec-websocket-extensions")) throw wrong("an extension that was not offered");
  return { connection, early: response.behind(parsed) };
}

function requestHead(
  url: URL,
  protocol: string,
  key: string,
  extra: readonly Field[],
): Uint8Array {
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${protocol}`,
    ...extra.map(([name, value]) => `${name}: ${value}`),
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/** What servers say in a refusal when plain text came to a port for TLS: nginx, Go's and Apache. */
const WANTS_TLS =
  /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|plain HTTP to an SSL-enabled/;

async function refused(
  response: HandshakeResponse,
  parsed: ParsedHead,
  url: URL,
): Promise<DialError> {
  const { status } = parsed.head;
  const body = await response.body(parsed);
  if (WANTS_TLS.test(body)) {
    return new DialError({ kind: "wants_tls" }, "it speaks TLS on this port");
  }
  const isRedirect = status >= 300 && status <= 399;
  const target = isRedirect ? response.fields(parsed).get("location") : undefined;
  const location = target === undefined ? null : URL.parse(target, url);
  const said = location === null ? sentenceIn(body, status) : `it sends to ${location.href}`;
  const detail = said === "" ? "" : ` (${said.slice(0, MAX_DETAIL)})`;
  return new DialError(
    { kind: "status", status, location },
    `it answered with status ${status}${detail}`,
  );
}

function late(step: "connection" | "answer", timeout: number): DialError {
  const what = step === "connection" ? "no connection came about" : "no answer came";
  return new DialError({ kind: "late", step }, `${what} within ${timeout / 1000} s`);
}

/** Another version of the wanted subprotocol has its name in front of the dot; anything else is something else. */
function otherProtocol(chosen: string | null, wanted: string): DialError {
  const isOtherVersion = chosen?.split(".")[0] === wanted.split(".")[0];
  return new DialError(
    { kind: "wrong_answer", isOtherVersion },
    isOtherVersion
      ? `it speaks ${chosen}, not ${wanted}`
      : "it opens WebSockets, but not those of a tunnel",
  );
}

function wrong(what: string): DialError {
  return new DialError(
    { kind: "wrong_answer", isOtherVersion: false },
    `its answer to the WebSocket handshake is wrong: ${what}`,
  );
}
