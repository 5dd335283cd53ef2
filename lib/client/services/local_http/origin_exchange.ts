import type { ResponseHead } from "../../../http/head.ts";
import type { ParsedHead } from "../../../http/response_parser.ts";
import { BodyDecoder } from "../../../http/body_decoder.ts";
import type { ConnectionReader, OriginConnection } from "./origin_connection.ts";
import { OriginError } from "../../../http/origin_error.ts";
import type { OriginRequest } from "./origin_request.ts";
import { type RequestBody, RequestUpload } from "./request_upload.ts";

/** What the origin answers: a head, then its body piece by piece. */
export interface OriginResponse {
  /** Its end-to-end fields and a final status. */
  readonly head: ResponseHead;
  /** Whether all of the body has been returned, so that the next `read` can only return null. */
  readonly complete: boolean;
  /**
   * Returns the next bytes of the body, or null at the end; one call at a time. The view is valid until
   * the next call, and the connection serves others only once null was returned (or `abort` called).
   *
   * @throws OriginError when the body is cut or malformed.
   */
  read(): Uint8Array | null | Promise<Uint8Array | null>;
}

/** One request and its response. */
export interface OriginExchange {
  /** Settles with the final head, however much of the request is still to be sent. */
  readonly response: Promise<OriginResponse>;
  /** Ends the exchange at once: closes the connection unless the exchange was complete. */
  abort(): void;
}

/** What an exchange asks of the pool that it came from. */
export interface ExchangeOwner {
  /** Takes back a connection on which nothing is under way. */
  release(connection: OriginConnection): void;
  /** Hears that the exchange has ended without a connection to give back. */
  ended(exchange: Exchange): void;
  /** Runs the exchange once more on a new connection: the old one had died while it was idle. */
  retry(exchange: Exchange): void;
}

/** Bounds the informational heads (1xx) before the final one: an origin could send them for ever. */
const MAX_INFORMATIONAL = 32;

/** Runs one exchange on one connection, upload and response side by side. */
export class Exchange implements OriginExchange, ConnectionReader {
  readonly response: Promise<OriginResponse>;
  /** Whether it may be sent again when an idle connection turns out dead (RFC 9110 section 9.2.2). */
  readonly replayable: boolean;
  readonly #request: OriginRequest;
  readonly #owner: ExchangeOwner;
  readonly #settle: PromiseWithResolvers<OriginResponse>;
  #upload: RequestUpload;
  #connection: OriginConnection | null = null;
  /** Reads the body; null until there is a head. */
  #decoder: BodyDecoder | null = null;
  #keepAlive = false;
  #informational = 0;
  #over = false;
  #error: OriginError | null = null;
  /** Who waits for the next bytes of the body. */
  #waiting: PromiseWithResolvers<Uint8Array | null> | null = null;

  constructor(request: OriginRequest, body: RequestBody | null, owner: ExchangeOwner) {
    this.#request = request;
    this.replayable = body === null && isIdempotent(request.method);
    this.#owner = owner;
    this.#upload = new RequestUpload(request, body);
    this.#settle = Promise.withResolvers();
    this.response = this.#settle.promise;
  }

  /** Tells whether it has ended, well or not. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends the request on a connection that nothing else uses. */
  run(connection: OriginConnection): void {
    this.#connection = connection;
    connection.reader = this;
    connection.receive();
    this.#upload.start(connection, (error) => this.fail(error));
    if (!this.replayable) this.#upload.letGo();
  }

  received(connection: OriginConnection): void {
    try {
      if (this.#decoder === null) return this.#readHead(connection);
      const piece = this.#take(connection, this.#decoder);
      if (piece === undefined) connection.receive();
      else this.#deliver(piece);
    } catch (error) {
      this.fail(asOriginError(error));
    }
  }

  ended(connection: OriginConnection, cause: unknown): void {
    const options = { cause: cause ?? this.#upload.error };
    if (this.#decoder !== null) {
      if (cause !== null || !this.#decoder.endsWithConnection) {
        return this.fail(new OriginError("cut", "the origin's answer broke off", options));
      }
      this.#finish(connection);
      return this.#deliver(null);
    }
    if (connection.start < connection.end) {
      return this.fail(
        new OriginError("malformed", "the origin's answer ended within its head", options),
      );
    }
    // RFC 9112 section 9.3.1: it had most likely closed before it saw the request.
    if (connection.idleSince >= 0 && this.#informational === 0 && this.replayable) {
      return this.#retry(connection);
    }
    this.fail(
      new OriginError("cut", "the origin closed the connection without an answer", options),
    );
  }

  /** Returns the next bytes of the body; see {@linkcode OriginResponse.read}. */
  read(): Uint8Array | null | Promise<Uint8Array | null> {
    const connection = this.#connection;
    const decoder = this.#decoder;
    if (connection === null || decoder === null) {
      return this.#error === null ? null : Promise.reject(this.#error);
    }
    if (this.#waiting !== null) throw new TypeError("one read of a body at a time");
    if (decoder.done || connection.start < connection.end) {
      try {
        const piece = this.#take(connection, decoder);
        if (piece !== undefined) return piece;
      } catch (error) {
        this.fail(asOriginError(error));
        return Promise.reject(error);
      }
    }
    this.#waiting = Promise.withResolvers();
    connection.receive();
    return this.#waiting.promise;
  }

  abort(): void {
    if (this.#over) return;
    if (this.#connection !== null && this.#decoder?.done) return this.#finish(this.#connection);
    this.fail(new OriginError("aborted", "the exchange with the origin was given up"));
  }

  /** Ends the exchange with an error, for whoever waits for the response or for its next bytes. */
  fail(error: OriginError): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#upload.stop();
    this.#connection?.close();
    this.#connection = null;
    this.#owner.ended(this);
    if (this.#decoder !== null) this.#waiting?.reject(error);
    else {
      // Nobody may be waiting any more; the rejection is no accident then.
      this.response.catch(() => {});
      this.#settle.reject(error);
    }
  }

  #readHead(connection: OriginConnection): void {
    for (;;) {
      const { buffer, start, end, heads } = connection;
      const { method } = this.#request;
      const parsed = heads.parse(buffer, start, end, method);
      if (parsed === null) return connection.receive();
      const { status } = parsed.head;
      if (status >= 200) return this.#respond(connection, parsed);
      connection.start = parsed.end;
      if (status === 101) {
        throw new OriginError("malformed", "the origin switched protocols without being asked");
      }
      if (++this.#informational > MAX_INFORMATIONAL) {
        throw new OriginError("malformed", `the origin sent over ${MAX_INFORMATIONAL} 1xx answers`);
      }
    }
  }

  #respond(connection: OriginConnection, parsed: ParsedHead): void {
    connection.start = parsed.end;
    this.#upload.letGo();
    const decoder = new BodyDecoder(parsed.framing);
    this.#decoder = decoder;
    this.#keepAlive = parsed.keepAlive && parsed.framing !== "close";
    if (decoder.done) this.#finish(connection);
    this.#settle.resolve(new ExchangeResponse(parsed.head, this, decoder));
  }

  /** Takes data from what was received: undefined when there is none yet, null when the body is done. */
  #take(connection: OriginConnection, decoder: BodyDecoder): Uint8Array | null | undefined {
    if (!decoder.done) {
      connection.start = decoder.decode(connection.buffer, connection.start, connection.end);
      if (decoder.from < decoder.to) return connection.buffer.subarray(decoder.from, decoder.to);
      if (!decoder.done) return undefined;
    }
    this.#finish(connection);
    return null;
  }

  #deliver(piece: Uint8Array | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(piece);
  }

  /** Ends the exchange well: the response is complete, and whatever is left of the upload is unwanted. */
  #finish(connection: OriginConnection): void {
    this.#over = true;
    this.#connection = null;
    const clean = this.#upload.sent && connection.start === connection.end;
    this.#upload.stop();
    if (this.#keepAlive && clean) return this.#owner.release(connection);
    connection.close();
    this.#owner.ended(this);
  }

  #retry(connection: OriginConnection): void {
    connection.close();
    this.#connection = null;
    this.#upload.stop();
    this.#upload = new RequestUpload(this.#request, null);
    this.#owner.retry(this);
  }
}

/** The response of an exchange. */
class ExchangeResponse implements OriginResponse {
  readonly head: ResponseHead;
  readonly #exchange: Exchange;
  readonly #decoder: BodyDecoder;

  constructor(head: ResponseHead, exchange: Exchange, decoder: BodyDecoder) {
    this.head = head;
    this.#exchange = exchange;
    this.#decoder = decoder;
  }

  get complete(): boolean {
    return this.#decoder.done;
  }

  read(): Uint8Array | null | Promise<Uint8Array | null> {
    return this.#exchange.read();
  }
}

/** Whether it may be repeated without harm; POST, PATCH and what is unknown may not. */
function isIdempotent(method: string): boolean {
  // Most are GET, and the set asks for the hash of a string that came with the request and has none yet.
  return method === "GET" || IDEMPOTENT_METHODS.has(method);
}

const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "TRACE",
]);

function asOriginError(error: unknown): OriginError {
  if (error instanceof OriginError) return error;
  return new OriginError("malformed", "the origin's answer could not be read", { cause: error });
}
