import type { ClientRequest, IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import { Budget } from "../../mux/flow_control.ts";
import {
  type Field,
  fieldValue,
  fieldValues,
  HANDSHAKE_FIELDS,
  listMembers,
  withoutHopByHop,
} from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import { isToken } from "../../http/octets.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../wire/limits.ts";
import { serverNameFor } from "../../net/tls_handshake.ts";
import type { OriginTLS } from "./local_http/origin_dialer.ts";
import { addressOf, type Origin } from "./origin.ts";
import type { Incoming } from "./service.ts";
import { endOfTurn } from "../../mux/transport.ts";
import { WebSocketBridge } from "../../websocket/bridge.ts";
import { OriginError, type OriginErrorCode } from "../../http/origin_error.ts";

/** Bytes that the origin's WebSockets together may have sent ahead of what the tunnel takes: four of the largest messages. */
const BACKLOG = 4 * MAX_WEBSOCKET_MESSAGE;

/** Milliseconds that the origin has to end its side of a connection whose visitor has vanished: most do at once. */
const VANISH_TIMEOUT = 2_000;

/** Fields that `ws` writes by itself, and the one that frames a body, which no handshake has. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  ...HANDSHAKE_FIELDS,
  "content-length",
  "sec-websocket-protocol",
]);

/** Opens the origin's WebSockets and lets it decide: subprotocol, or a refusal with fields and body of its own. */
export class LocalWebSockets {
  readonly #url: string;
  readonly #way: WayToOrigin;
  readonly #backlog = new Budget(BACKLOG);

  constructor(origin: Origin, tls: OriginTLS) {
    this.#url = urlOf(origin);
    this.#way = wayTo(origin, tls);
  }

  /** Serves the stream of a WSRequest to its end. @throws {StreamError | OriginError} when no handshake came about. */
  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    if (head.method !== "GET") {
      throw new StreamError(ErrorCode.Protocol, `a WebSocket is asked for with ${head.method}`);
    }
    const { socket, answered } = this.#dial(head);
    incoming.onAbort = () => socket.terminate();
    const answer = await answered;
    if (answer.refusal !== undefined) {
      await refuse(incoming, answer.refusal);
      return;
    }
    // `ws` then gives views of what it read, which stay as they are; for an ArrayBuffer it would copy each message.
    socket.binaryType = "nodebuffer";
    const bridge = new WebSocketBridge(socket, incoming, {
      backlog: this.#backlog,
      vanish: () => vanish(socket, answer.connection),
      beforeSend: joinWrites(answer.connection),
    });
    incoming.respond({ status: 101, fields: answer.fields }, false);
    socket.resume();
    await bridge.start();
    await bridge.finished;
  }

  #dial({ target, fields }: RequestHead): { socket: WebSocket; answered: Promise<Handshake> } {
    const offered = fieldValues(fields, "sec-websocket-protocol");
    const protocols = protocolsOf(offered ?? "");
    const socket = new WebSocket(this.#url, protocols, {
      ...this.#way,
      headers: headersOf(fields),
      perMessageDeflate: false,
      maxPayload: MAX_WEBSOCKET_MESSAGE,
      finishRequest(request: ClientRequest) {
        // A URL would normalize the target, and `ws` the list; the origin gets both as the visitor wrote them.
        request.path = target;
        if (offered !== undefined) request.setHeader("sec-websocket-protocol", offered);
        request.end();
      },
    });
    return { socket, answered: handshakeOf(socket, protocols) };
  }
}

/** The origin, as `ws` is told it; a socket has no name there. */
function urlOf(origin: Origin): string {
  if (origin.kind === "unix") return "ws://localhost/";
  return `${origin.kind === "https" ? "wss" : "ws"}://${addressOf(origin)}/`;
}

/** How `ws` comes to the origin, where its URL does not say it: what Node's `http` and `tls` are told. */
interface WayToOrigin extends Pick<ConnectionOptions, "servername" | "rejectUnauthorized" | "ca"> {
  readonly createConnection?: () => Socket;
}

function wayTo(origin: Origin, { authorities, hostname, isInsecure }: OriginTLS): WayToOrigin {
  if (origin.kind === "unix") return { createConnection: () => connect({ path: origin.path }) };
  if (origin.kind === "http") return {};
  return {
    servername: serverNameFor(hostname),
    rejectUnauthorized: !isInsecure,
    ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
  };
}

/** Reads what a visitor offers as `ws` wants it. @throws {StreamError} where `ws` would take it for a mistake of this program. */
function protocolsOf(offered: string): string[] {
  const protocols = listMembers(offered).filter((protocol) => protocol !== "");
  if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
    const reason = "sec-websocket-protocol is not a list of different tokens";
    throw new StreamError(ErrorCode.Protocol, reason);
  }
  return protocols;
}

/** What the origin answers to a handshake. */
interface Handshake {
  /** Its end-to-end fields. */
  readonly fields: readonly Field[];
  /** What the WebSocket runs over. */
  readonly connection: Socket;
  /** Its answer when it opens no WebSocket; the body is still to be read. */
  readonly refusal?: IncomingMessage;
}

function handshakeOf(socket: WebSocket, protocols: readonly string[]): Promise<Handshake> {
  let fields: Field[] = [];
  let connection: Socket;
  return new Promise((resolve, reject) => {
    socket.on("upgrade", (response: IncomingMessage) => {
      fields = fieldsOf(response).filter(([name]) => !HANDSHAKE_FIELDS.has(name));
      connection = response.socket;
      const [first] = protocols;
      // An origin may choose none (RFC 6455 section 4.2.2), which `ws` would take for an error.
      if (first !== undefined && fieldValue(fields, "sec-websocket-protocol") === undefined) {
        response.headers["sec-websocket-protocol"] = first;
      }
    });
    socket.on("open", () => {
      // Messages wait until the bridge listens to them.
      socket.pause();
      resolve({ fields, connection });
    });
    socket.on("unexpected-response", (_request: ClientRequest, response: IncomingMessage) => {
      resolve({ fields: fieldsOf(response), connection: response.socket, refusal: response });
    });
    socket.on("error", (cause: Error) => reject(handshakeError(cause)));
  });
}

/** Says what became of a handshake, by the code of the error that `ws` gives. */
function handshakeError(cause: Error): Error {
  const code = "code" in cause ? String(cause.code) : null;
  // What `ws` finds wrong with an answer has no code.
  const isParsers = code?.startsWith("HPE_") ?? false;
  if (isParsers || (code === null && cause.constructor === Error)) {
    // What Node's parser says of it speaks of the parser. `next dev` refuses with a bare word, for one.
    const what = isParsers ? "what it answers is not HTTP" : cause.message;
    return new OriginError("malformed", `the origin's handshake failed: ${what}`, { cause });
  }
  const kind = code === null ? undefined : TLS_ERROR.test(code) ? "tls" : SYSTEM_ERRORS.get(code);
  // Anything else is a mistake of this program, and must not pass for one of the origin's.
  if (kind === undefined) return cause;
  return new OriginError(kind, `no handshake with the origin: ${cause.message}`, { cause });
}

/** How Node names what is wrong with a handshake or a certificate. */
const TLS_ERROR = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

const SYSTEM_ERRORS: ReadonlyMap<string, OriginErrorCode> = new Map([
  ["ECONNREFUSED", "refused"],
  ["EACCES", "unreachable"],
  ["EADDRNOTAVAIL", "unreachable"],
  ["EAI_AGAIN", "unreachable"],
  ["EAGAIN", "unreachable"],
  ["EHOSTDOWN", "unreachable"],
  ["EHOSTUNREACH", "unreachable"],
  ["EMFILE", "unreachable"],
  ["ENETUNREACH", "unreachable"],
  ["ENOENT", "unreachable"],
  ["ENOTFOUND", "unreachable"],
  ["ETIMEDOUT", "unreachable"],
  ["ECONNABORTED", "cut"],
  ["ECONNRESET", "cut"],
  ["EPIPE", "cut"],
]);

/** Returns a function to call before each message, so that all messages of one turn of the event loop leave with one write. */
function joinWrites(connection: Socket): () => void {
  let isCorked = false;
  return () => {
    if (isCorked) return;
    isCorked = true;
    connection.cork();
    endOfTurn(() => {
      isCorked = false;
      connection.uncork();
    });
  };
}

/** Ends the origin's connection without a close frame, behind all that was sent to it. */
function vanish(socket: WebSocket, connection: Socket): void {
  // To cut it would lose what the origin has not read, and one that is not read does not tell its end.
  connection.end();
  socket.resume();
  const end = setTimeout(() => socket.terminate(), VANISH_TIMEOUT);
  socket.on("close", () => clearTimeout(end));
}

/** Passes the origin's own answer on: status, fields and body. */
async function refuse(incoming: Incoming, response: IncomingMessage): Promise<void> {
  incoming.onAbort = () => response.destroy();
  const status = response.statusCode ?? 0;
  if (status < 200) throw new OriginError("malformed", `status ${status} to a WebSocket handshake`);
  incoming.respond({ status, fields: fieldsOf(response) }, false);
  for await (const bytes of response) {
    if (bytes instanceof Uint8Array) await incoming.write(bytes);
  }
  await incoming.end();
  incoming.reset(ErrorCode.None, "the answer is complete");
}

function fieldsOf(response: IncomingMessage): Field[] {
  const raw = response.rawHeaders;
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    fields.push([(raw[i] ?? "").toLowerCase(), raw[i + 1] ?? ""]);
  }
  return withoutHopByHop(fields);
}

function headersOf(fields: readonly Field[]): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null);
  for (const [name, value] of fields) {
    if (!NOT_COPIED.has(name)) (headers[name] ??= []).push(value);
  }
  return headers;
}
