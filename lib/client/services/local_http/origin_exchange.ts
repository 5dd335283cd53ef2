import type { ResponseHead } from "../../../http/head.ts";
import type { ParsedHead } from "../../../http/response_parser.ts";
import { NOTHING_MENDED } from "../../../http/mendings.ts";
import { MAX_INTERIM } from "../../../wire/limits.ts";
import type { ConnectionReader, OriginConnection } from "./origin_connection.ts";
import { OriginError } from "../../../http/origin_error.ts";
import type { OriginRequest } from "./origin_request.ts";
import { OriginResponse, type ResponseOwner } from "./origin_response.ts";
import { RequestUpload, type UploadSource } from "./request_upload.ts";

/** What an exchange asks of the pool that it came from. */
export interface ExchangeOwner {
  /** Takes back a connection on which nothing is under way; with `mayHaveMore` bytes may come that belong to no answer. */
  release(connection: OriginConnection, mayHaveMore: boolean): void;
  /** Hears that an answer begins on a new connection. */
  begun(exchange: OriginExchange): void;
  /** Hears that a connection which had been idle was closed without an answer. */
  died(connection: OriginConnection): void;
  /** Hears that bytes came behind an answer, which are in the buffer. */
  spoke(connection: OriginConnection): void;
  /** Hears that an answer asks to log in the connection. */
  loggedIn(): void;
  /** Hears what was mended of an answer: each names a fault and the rule. */
  mended(faults: readonly string[]): void;
  /** Hears that the exchange has ended without a connection to give back. */
  ended(exchange: OriginExchange): void;
  /** Runs the exchange once more on a new connection: the old one had died while it was idle. */
  retry(exchange: OriginExchange): void;
}

/** Takes what the origin says before it answers. */
export interface InterimReceiver {
  /** An interim response (1xx) came. */
  sendInterim(head: ResponseHead): void;
}

const GIVEN_UP = "the exchange with the origin was given up";

/** Runs one request and its response on one connection, side by side. */
export class OriginExchange implements ConnectionReader, ResponseOwner {
  /** Who hears of interim responses; null for nobody. */
  visitor: InterimReceiver | null = null;
  /** Settles with the final head, which may come before all of the request is sent. */
  readonly response: Promise<OriginResponse>;
  /** Whether it may be sent again when an idle connection turns out dead (RFC 9110 section 9.2.2). */
  readonly replayable: boolean;
  readonly #request: OriginRequest;
  readonly #owner: ExchangeOwner;
  readonly #settle: PromiseWithResolvers<OriginResponse>;
  #upload: RequestUpload;
  #connection: OriginConnection | null = null;
  /** Reads the body; null until there is a final head. */
  #reading: OriginResponse | null = null;
  /** Whether the connection may serve another exchange after this one. */
  #keepAlive: boolean;
  /** Whether the origin may send a body behind the answer, though it has none. */
  #mayHaveMore = false;
  /** Informational heads that came so far. */
  #informational = 0;
  #over = false;

  constructor(request: OriginRequest, body: UploadSource | null, owner: ExchangeOwner) {
    this.#request = request;
    this.#keepAlive = !request.logsIn;
    this.replayable = body === null && isIdempotent(request.method);
    this.#owner = owner;
    this.#upload = new RequestUpload(request, body);
    this.#settle = Promise.withResolvers();
    this.response = this.#settle.promise;
  }

  /** Whether it asks for a WebSocket. */
  get isHandshake(): boolean {
    return this.#request.isHandshake;
  }

  /** Tells whether it has ended, well or not. */
  get over(): boolean {
    return this.#over;
  }

  /** Resolves when no more of the request is sent. */
  get uploaded(): Promise<void> {
    return this.#upload.over;
  }

  /** Sends the request on a connection that nothing else uses. */
  run(connection: OriginConnection): void {
    this.#connection = connection;
    connection.reader = this;
    connection.receive();
    this.#upload.start(connection, this);
    if (!this.replayable) this.#upload.letGo();
  }

  /**
   * Ends the exchange behind an answer of 101, and returns what speaks WebSocket from there on.
   *
   * @throws {OriginError} when it was given up.
   */
  async takeConnection(): Promise<ReturnType<OriginConnection["letGo"]>> {
    await this.uploaded;
    const connection = this.#connection;
    if (connection === null) throw new OriginError("aborted", GIVEN_UP);
    this.#over = true;
    this.#connection = null;
    this.#owner.ended(this);
    return connection.letGo();
  }

  received(connection: OriginConnection): void {
    try {
      if (this.#reading === null) {
        if (connection.idleSince < 0) this.#owner.begun(this);
        this.#readHead(connection);
      } else this.#reading.received(connection);
    } catch (error) {
      this.fail(error);
    }
  }

  ended(connection: OriginConnection, cause: unknown): void {
    const options = { cause: cause ?? this.#upload.error };
    if (this.#reading !== null) {
      if (cause === null && this.#reading.endConnection()) return;
      return this.fail(new OriginError("cut", "the origin's answer broke off", options));
    }
    if (connection.start < connection.end) {
      return this.fail(
        new OriginError("malformed", "the origin's answer ended within its head", options),
      );
    }
    if (connection.idleSince >= 0) this.#owner.died(connection);
    // RFC 9112 section 9.3.1: it had most likely closed before it saw the request.
    if (connection.idleSince >= 0 && this.#informational === 0 && this.replayable) {
      return this.#retry(connection);
    }
    this.fail(
      new OriginError("cut", "the origin closed the connection without an answer", options),
    );
  }

  /** Ends the exchange at once: closes the connection unless the exchange was complete. */
  abort(): void {
    if (this.#over) return;
    if (this.#reading?.complete) return this.#reading.finish();
    this.fail(new OriginError("aborted", GIVEN_UP));
  }

  /** Ends the exchange with an error, which the response or its next bytes are rejected with. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#upload.stop();
    this.#connection?.close();
    this.#connection = null;
    this.#owner.ended(this);
    if (this.#reading !== null) return this.#reading.fail(error);
    // It may be that nothing waits for it any more.
    this.response.catch(() => {});
    this.#settle.reject(error);
  }

  /** Ends the exchange well: the response is complete, and what is left of the upload is unwanted. */
  finish(connection: OriginConnection): void {
    this.#over = true;
    this.#connection = null;
    this.#mend(this.#reading?.takeMended() ?? NOTHING_MENDED);
    const hasSpoken = connection.start < connection.end;
    const isReusable = this.#keepAlive && this.#upload.sent && !hasSpoken;
    this.#upload.stop();
    if (isReusable) return this.#owner.release(connection, this.#mayHaveMore);
    connection.close();
    if (hasSpoken) this.#owner.spoke(connection);
    this.#owner.ended(this);
  }

  #readHead(connection: OriginConnection): void {
    for (;;) {
      const { buffer, start, end, heads } = connection;
      const { method } = this.#request;
      const parsed = heads.parse(buffer, start, end, method);
      if (parsed === null) return connection.receive();
      this.#mend(parsed.mended);
      const { status } = parsed.head;
      if (status >= 200) return this.#respond(connection, parsed);
      connection.start = parsed.end;
      if (status === 101) return this.#switch(connection, parsed);
      if (++this.#informational > MAX_INTERIM) {
        throw new OriginError("malformed", `the origin sent over ${MAX_INTERIM} 1xx answers`);
      }
      this.visitor?.sendInterim(parsed.head);
    }
  }

  #switch(connection: OriginConnection, parsed: ParsedHead): void {
    if (!this.isHandshake) {
      throw new OriginError("malformed", "the origin switched protocols without being asked");
    }
    if (parsed.upgrade !== "websocket") {
      throw new OriginError("malformed", "the origin switched to something else than WebSocket");
    }
    this.#upload.letGo();
    this.#settle.resolve(new OriginResponse(parsed, connection, this));
  }

  #respond(connection: OriginConnection, parsed: ParsedHead): void {
    connection.start = parsed.end;
    this.#upload.letGo();
    const response = new OriginResponse(parsed, connection, this);
    this.#reading = response;
    this.#keepAlive = this.#keepAlive && parsed.keepAlive && parsed.framing !== "close";
    this.#mayHaveMore = parsed.isBodiless;
    if (parsed.logsIn) {
      this.#keepAlive = false;
      this.#owner.loggedIn();
    }
    if (response.complete) response.finish();
    this.#settle.resolve(response);
  }

  #mend(faults: readonly string[]): void {
    if (faults.length === 0) return;
    this.#keepAlive = false;
    this.#owner.mended(faults);
  }

  #retry(connection: OriginConnection): void {
    connection.close();
    this.#connection = null;
    this.#upload.stop();
    this.#upload = new RequestUpload(this.#request, null);
    this.#owner.retry(this);
  }
}

/** Whether it may be repeated without harm; POST, PATCH and unknown methods may not. */
function isIdempotent(method: string): boolean {
  // Most are GET. The set needs the hash of the method, which V8 computes anew for each string that comes.
  return method === "GET" || IDEMPOTENT_METHODS.has(method);
}

const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "TRACE",
]);
