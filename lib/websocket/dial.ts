import { encodeBase64 } from "@std/encoding/base64";
import { ErrorCode, SessionError } from "../wire/errors.ts";
import { connectionOptions, type Field } from "../http/fields.ts";
import { HandshakeResponse } from "./handshake_response.ts";
import type { ByteStream } from "./tcp_transport.ts";
import { DEFAULT_PORTS, withoutBrackets } from "../net/authority.ts";
import { TCPDialer } from "../net/dialer.ts";

export interface DialOptions {
  /** The subprotocol that is offered; the server must choose it. */
  readonly protocol: string;
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

/** Says that a server did not answer a handshake with status 101. */
export class HandshakeRefusedError extends SessionError {
  constructor(readonly status: number, message: string) {
    super(ErrorCode.GoingAway, message);
  }
}

/** The text that is added to each key before it is hashed (RFC 6455 section 1.3). */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Opens a WebSocket (RFC 6455 section 4.1) to an `http:` or `https:` URL; an abort leaves nothing open.
 *
 * @throws {SessionError} when the server cannot be reached, or does not speak this protocol.
 */
export async function dialWebSocket(url: URL, options: DialOptions): Promise<DialledWebSocket> {
  const { timeout, signal } = options;
  const abort = new AbortController();
  const giveUp = (): void => abort.abort(signal.reason);
  const timer = setTimeout(
    () => abort.abort(failure(`no answer came within ${timeout / 1000} s`)),
    timeout,
  );
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp);
  try {
    const connection = await connect(url, abort.signal);
    return await closingOnAbort(
      connection,
      abort.signal,
      () => shakeHands(connection, url, options),
    );
  } catch (cause) {
    abort.signal.throwIfAborted();
    throw cause instanceof SessionError ? cause : failure(reasonOf(cause), cause);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

async function connect(url: URL, signal: AbortSignal): Promise<ByteStream> {
  const isSecure = url.protocol === "https:";
  const hostname = withoutBrackets(url.hostname);
  const port = url.port === "" ? DEFAULT_PORTS[isSecure ? "https" : "http"] : Number(url.port);
  const plain = await new TCPDialer(hostname, port).connect(signal);
  // Nagle's algorithm would let small frames in a row wait 40 ms for an acknowledgement.
  plain.setNoDelay(true);
  if (!isSecure) return plain;
  // Deno keeps the socket of a TLS handshake that is given up until the server closes or speaks.
  const secure = await Deno.startTls(plain, { hostname, alpnProtocols: ["http/1.1"] });
  return await closingOnAbort(secure, signal, async () => {
    try {
      await secure.handshake();
    } catch (cause) {
      throw failure(`TLS failed: ${reasonOf(cause)}`, cause);
    }
    return secure;
  });
}

/** Runs a step of the handshake, and closes the connection when it fails or is aborted. */
async function closingOnAbort<T>(
  connection: ByteStream,
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  let isClosed = false;
  const close = (): void => {
    if (!isClosed) connection.close();
    isClosed = true;
  };
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    const result = await step();
    signal.throwIfAborted();
    return result;
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function shakeHands(
  connection: ByteStream,
  url: URL,
  { protocol, fields: extra = [] }: DialOptions,
): Promise<DialledWebSocket> {
  const key = encodeBase64(crypto.getRandomValues(new Uint8Array(16)));
  await writeAll(connection, requestHead(url, protocol, key, extra));
  const response = new HandshakeResponse(connection);
  const parsed = await response.head();
  const { status } = parsed.head;
  if (status !== 101) throw refused(status, await response.body(parsed));
  const fields = response.fields(parsed);
  const wrong = (what: string): SessionError =>
    failure(`its answer to the WebSocket handshake is wrong: ${what}`);
  if (fields.get("upgrade")?.toLowerCase() !== "websocket") throw wrong("no Upgrade: websocket");
  if (!connectionOptions(fields.get("connection") ?? "").includes("upgrade")) {
    throw wrong("no Connection: Upgrade");
  }
  if (fields.get("sec-websocket-accept") !== await acceptOf(key)) {
    throw wrong("another Sec-WebSocket-Accept");
  }
  if (fields.get("sec-websocket-protocol") !== protocol) {
    throw wrong(`its subprotocol is not ${protocol}`);
  }
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

/** Returns the Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2). */
async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key + ACCEPT_SUFFIX);
  return encodeBase64(await crypto.subtle.digest("SHA-1", bytes));
}

async function writeAll(connection: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function refused(status: number, body: string): SessionError {
  const [first = "", second = ""] = body.split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
  // A server of this protocol says its status again, and then the reason in a sentence; others do as they like.
  const reason = first.startsWith(`${status} `) && second !== "" ? second : first;
  const detail = reason === "" ? "" : ` (${reason})`;
  return new HandshakeRefusedError(status, `it answered with status ${status}${detail}`);
}

function failure(message: string, cause?: unknown): SessionError {
  return new SessionError(ErrorCode.GoingAway, message, { cause });
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Deno.errors.ConnectionRefused) return "nothing listens there";
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === "" ? cause.name : cause.message;
}
