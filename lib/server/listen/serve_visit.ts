import { connectionOptions, type Field, fieldValue, listMembers } from "../../http/fields.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import type { Log } from "../../cli/log.ts";
import type { MessageSocket } from "../../websocket/bridge.ts";
import { bodyStream } from "./body_stream.ts";
import { type Disconnects, watchNow } from "./disconnects.ts";
import { oneLength, requestFraming } from "./request_framing.ts";
import { serveSocket, type ServeWebSocket } from "./serve_socket.ts";
import { targetURI } from "./target_uri.ts";
import { UnannouncedBody } from "./unannounced_body.ts";
import { dropBody, dropRest, readerOf } from "./unwanted_body.ts";
import {
  type AcceptOptions,
  type Answer,
  type BodyReader,
  type ListeningSocket,
  type Outcome,
  type RemoteAddress,
  type RequestFraming,
  type RequestObserver,
  type Visit,
  type VisitWatcher,
  type Watch,
  WITHOUT_BODY,
} from "./visit.ts";

/**
 * Bytes asked for at once of a body in chunks. Where the visitor sends faster than is read, Deno 2.9 reads ahead and moves
 * all of that at each read; both grow with this number.
 */
const CHUNKED_READ = 4 * 1024;

/** What a visit of `Deno.serve` needs of its listener. */
export interface ServeVisitHost {
  readonly observers: readonly RequestObserver[];
  readonly disconnects: Disconnects;
  /** Seconds for Strict-Transport-Security. @default none */
  readonly hsts?: number | null;
  readonly log: Log;
}

/** The socket of a listener, which also knows whether its connections end with their next answer. */
export interface ServeSocket extends ListeningSocket {
  readonly isLeaving: boolean;
}

/** What Deno makes of a handshake that was accepted. */
interface Upgraded {
  readonly response: Response;
  readonly socket: ServeWebSocket;
}

/** A visit that came by `Deno.serve`; nothing behind it sees its `Request` or makes a `Response`. */
export class ServeVisit implements Visit {
  readonly method: string;
  readonly target: string;
  readonly scheme: string;
  readonly authority: string;
  readonly host: string | null;
  readonly fields: readonly Field[];
  readonly peer: RemoteAddress;
  readonly listeningSocket: ServeSocket;
  readonly started = performance.now();
  address: string;
  tunnel: string | null = null;
  sent = 0;
  readonly #host: ServeVisitHost;
  readonly #request: Request;
  /** Whether Host came, as it always does over HTTP/1.1. */
  readonly #hasHost: boolean;
  #framing: RequestFraming | null = null;
  #reader: BodyReader | null = null;
  #unannounced: UnannouncedBody | null = null;
  #upgraded: Upgraded | null = null;
  #isFinished = false;

  constructor(
    host: ServeVisitHost,
    request: Request,
    peer: RemoteAddress,
    listeningSocket: ServeSocket,
  ) {
    this.#host = host;
    this.#request = request;
    this.peer = peer;
    this.address = peer.hostname;
    this.listeningSocket = listeningSocket;
    const { method, url } = request;
    const { scheme, authority, target } = targetURI(method, url);
    this.method = method;
    this.scheme = scheme;
    this.authority = authority;
    this.target = target;
    const fields: Field[] = [];
    let named: string | null = null;
    // The iterator over the same fields takes eight times as long.
    request.headers.forEach((value, name) => {
      if (name === "host") named = value;
      fields.push([name, name === "content-length" ? oneLength(value) : value]);
    });
    this.#hasHost = named !== null;
    // Over TLS a request without Host is one of HTTP/2, which has `:authority`; without TLS Deno makes an authority up.
    if (named === null && listeningSocket.scheme === "https") {
      named = authority;
      fields.unshift(["host", named]);
    }
    this.host = named;
    this.fields = fields;
  }

  /** `Deno.serve` sends none. */
  get takesTrailers(): boolean {
    return false;
  }

  get framing(): RequestFraming {
    this.#framing ??= requestFraming(this.#request, this.fields);
    return this.#framing;
  }

  bodyBegins(): Promise<boolean> {
    this.#unannounced ??= new UnannouncedBody(this.readBody());
    this.#reader = this.#unannounced;
    return this.#unannounced.begins;
  }

  readBody(): BodyReader {
    this.#reader ??= this.#openBody();
    return this.#reader;
  }

  dropBody(): void {
    if (this.#reader === null) dropBody(this.#request, this.fields);
    else void dropRest(this.#reader);
  }

  /** Deno sends none but 100, and that by itself. */
  sendInterim(): void {}

  leaveContinue(): void {}

  /**
   * Without Host it came over HTTP/2, where Deno tells of a stream that was reset only to those that watch it already. With
   * Host it mostly came over HTTP/1.1, and is watched when the answer takes a while. An HTTP/2 stream that has Host too, as
   * some proxies send it, and that is reset before that is carried until its answer has begun.
   */
  watch(watcher: VisitWatcher): Watch {
    return this.#hasHost
      ? this.#host.disconnects.watchSoon(this.#request, this.started, watcher)
      : watchNow(this.#request, watcher);
  }

  accept({ protocol, idleTimeout, onOpen }: AcceptOptions): MessageSocket {
    const offered = fieldValue(this.fields, "sec-websocket-protocol") ?? "";
    if (protocol !== undefined && !listMembers(offered).includes(protocol)) {
      throw new StreamError(ErrorCode.Protocol, `the subprotocol ${protocol} was not offered`);
    }
    // Deno's own option for it takes a list that has no blanks behind its commas for a single name.
    const isReadByDeno = protocol !== undefined && offered.split(", ").includes(protocol);
    const { response, socket: upgraded } = Deno.upgradeWebSocket(this.#request, {
      idleTimeout,
      ...(isReadByDeno ? { protocol } : {}),
    });
    const socket = serveSocket(upgraded, onOpen);
    this.#upgraded = { response, socket };
    if (protocol !== undefined && !isReadByDeno) {
      response.headers.set("sec-websocket-protocol", protocol);
    }
    return socket;
  }

  #openBody(): BodyReader {
    const { body } = this.#request;
    if (body === null) throw new TypeError("the request has no body");
    const { framing } = this;
    const isChunked = framing.kind === "body" && framing.length === null;
    return isChunked ? readerOf(body, CHUNKED_READ) : body.getReader();
  }

  /** Makes what `Deno.serve` sends. @throws {RangeError | TypeError} for a head that it cannot send. */
  respond(answer: Answer): Response {
    const headTime = performance.now() - this.started;
    const { body, fields } = answer;
    const status = this.#endableStatus(answer.status);
    const outcome = { status, code: answer.code ?? null, headTime, time: headTime };
    const upgraded = this.#upgraded;
    if (upgraded !== null && status !== 101) {
      // Deno ends the listener, and with it everybody's connection, when an upgrade gets another response than its own.
      upgraded.socket.abandon();
      this.#finish(outcome);
      return upgraded.response;
    }
    const response = upgraded === null
      ? new Response(this.#bodyOf(answer, outcome), { status })
      : upgraded.response;
    // Appending to a response's own fields takes half as long as handing it a list.
    const { headers } = response;
    for (const [name, value] of fields) headers.append(name, value);
    // Deno does not tell that the connection ends with this answer; HTTP/2 has a frame for that.
    if (this.listeningSocket.isLeaving && this.#hasHost && status !== 101) {
      headers.set("connection", "close");
    }
    const { hsts = null } = this.#host;
    if (hsts !== null) this.#demandHTTPS(headers, hsts);
    if (upgraded !== null) {
      // It comes once, also for a socket that never opens.
      upgraded.socket.addEventListener("close", () => this.#finishLate(outcome));
    } else if (body === null || body instanceof Uint8Array) {
      this.sent = this.method === "HEAD" ? 0 : body?.length ?? 0;
      this.#finish(outcome);
    }
    return response;
  }

  /** Browsers take the field over TLS alone, and the first one where there are two (RFC 6797 section 8.1): an origin's own stays. */
  #demandHTTPS(headers: Headers, hsts: number): void {
    const name = "strict-transport-security";
    if (this.listeningSocket.scheme === "https" && !headers.has(name)) {
      headers.set(name, `max-age=${hsts}`);
    }
  }

  #bodyOf(answer: Answer, outcome: Outcome): BodyInit | null {
    const { body } = answer;
    if (body === null) return this.#noBody(answer);
    return body instanceof Uint8Array ? body : bodyStream(body, {
      log: this.#host.log,
      onPiece: (length) => this.sent += length,
      onEnd: () => this.#finishLate(outcome),
    });
  }

  /**
   * Deno writes a length of zero for no body, which would be wrong for the HEAD of an answer whose length is not told
   * (RFC 9110 section 9.3.2); a stream has no length.
   */
  #noBody({ status, fields }: Answer): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const isTold = this.method !== "HEAD" || WITHOUT_BODY.has(status) ||
      fieldValue(fields, "content-length") !== undefined;
    return isTold ? null : new ReadableStream({ pull: (controller) => controller.close() });
  }

  /**
   * Deno ends a 205 neither by a length nor by closing, so that a visitor on a connection that is kept would wait for
   * ever; such a visitor gets 204, which has no body either.
   */
  #endableStatus(status: number): number {
    if (status !== 205 || !this.#hasHost) return status;
    const options = connectionOptions(fieldValue(this.fields, "connection") ?? "");
    return options.includes("close") ? 205 : 204;
  }

  #finishLate(outcome: Outcome): void {
    this.#finish({ ...outcome, time: performance.now() - this.started });
  }

  /** Tells the observers, once: a body that is cut while it is read ends twice. */
  #finish(outcome: Outcome): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    for (const observer of this.#host.observers) observer.finished(this, outcome);
  }
}
