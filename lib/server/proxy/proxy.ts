import { ErrorCode } from "../../wire/errors.ts";
import type { RequestHead, ResponseHead } from "../../http/head.ts";
import { Specimens } from "../../mux/v8_memory.ts";
import type { Stream } from "../../mux/stream.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { answer } from "./answer.ts";
import { Disconnects, type Version } from "../listen/disconnects.ts";
import { refused } from "./error_page.ts";
import { failureResponse } from "./failure.ts";
import type { FieldList } from "./field_list.ts";
import { type BodyLimits, RequestBody, TOO_SLOW } from "./request_body.ts";
import { LateBodyError, unannouncedBody } from "./unannounced_body.ts";
import { requestFraming } from "./request_framing.ts";
import type { RequestHeads } from "./request_heads.ts";
import { dropBody } from "./unwanted_body.ts";
import type { Visit } from "../listen/visit.ts";
import {
  type Exchange,
  MovedError,
  type Opening,
  type Refusal,
  type Upstream,
} from "../tunnels/upstream.ts";

type BodySource = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What one kind of exchange does beside the others. */
export interface ExchangeSteps {
  /** @default "http" */
  readonly kind?: Opening["kind"];
  /** Whether a body, or messages, follow the head. */
  readonly hasBody: boolean;
  /** Whether it can be sent again before its answer. @default when no body follows */
  readonly isRepeatable?: boolean;
  readonly onOpen?: (exchange: Exchange) => void;
  readonly respond: (visit: Visit, head: ResponseHead, stream: Stream) => Response;
  /** Tells what of the visitor's own made it fail, where that is so. */
  readonly refusal?: () => Refusal | null;
}

/** Carries public HTTP requests through an upstream and returns what the origin answers. */
export class Proxy {
  readonly #heads: RequestHeads;
  readonly #headTimeout: number;
  readonly #bodies: BodyLimits;
  readonly #disconnects = new Disconnects();
  readonly #specimens = new Specimens();
  readonly #log: Log;
  /** What most requests have, which is therefore made once. */
  readonly #bodiless: ExchangeSteps = {
    hasBody: false,
    respond: (visit, head, stream) => this.answer(visit, head, stream),
  };

  constructor(
    options: {
      readonly heads: RequestHeads;
      /** Milliseconds, to be told to whom it was too long. */
      readonly headTimeout: number;
      readonly bodies: BodyLimits;
      readonly log: Log;
    },
  ) {
    this.#heads = options.heads;
    this.#headTimeout = options.headTimeout;
    this.#bodies = options.bodies;
    this.#log = options.log;
  }

  forward(visit: Visit, upstream: Upstream): Promise<Response> {
    const framing = requestFraming(visit.request, visit.fields, this.#bodies.most);
    if (framing.kind === "refused") {
      if (framing.status === 413) this.#bodies.limited.body.inc();
      dropBody(visit.request, visit.fields);
      return Promise.resolve(refused(visit.request, framing.status, framing.reason));
    }
    if (framing.kind === "body" && visit.request.body !== null) {
      return this.#forwardBody(visit, upstream, visit.request.body, framing.length);
    }
    if (mayHideBody(visit) && visit.request.body !== null) {
      return this.#forwardUnannounced(visit, upstream, visit.request.body);
    }
    return this.#exchangeHTTP(visit, upstream, null, this.#bodiless);
  }

  #forwardBody(
    visit: Visit,
    upstream: Upstream,
    source: BodySource,
    length: number | null,
  ): Promise<Response> {
    let body: RequestBody | null = null;
    return this.#exchangeHTTP(visit, upstream, length, {
      hasBody: true,
      onOpen: ({ stream }) => {
        body = new RequestBody(source, length, this.#bodies);
        void body.send(stream);
      },
      respond: (visit, head, stream) => {
        if (body !== null) body.answered = true;
        return this.answer(visit, head, stream);
      },
      refusal: () => body === null ? null : body.refusal,
    });
  }

  /** Forwards a request of which only its body itself can tell whether it has one. */
  async #forwardUnannounced(
    visit: Visit,
    upstream: Upstream,
    body: BodySource,
  ): Promise<Response> {
    let source: BodySource | null;
    try {
      source = await unannouncedBody(body, this.#bodies.idle);
    } catch (error) {
      if (error instanceof LateBodyError) {
        this.#bodies.limited.idle.inc();
        return refused(visit.request, TOO_SLOW.status, TOO_SLOW.reason, TOO_SLOW.fields);
      }
      return refused(visit.request, 400, "the body of the request broke off");
    }
    return source === null
      ? await this.#exchangeHTTP(visit, upstream, null, this.#bodiless)
      : await this.#forwardBody(visit, upstream, source, null);
  }

  #exchangeHTTP(
    visit: Visit,
    upstream: Upstream,
    length: number | null,
    steps: ExchangeSteps,
  ): Promise<Response> {
    return this.exchange(visit, upstream, this.#heads.head(visit, length), steps);
  }

  /**
   * Opens a stream, waits for the head of its response and returns what `respond` makes of it; a visitor that
   * leaves before takes the stream with it, and a failure is answered for.
   *
   * @throws {MovedError} when nothing was done with the request, and it can be sent again as it is: a body that has
   * begun to be read is not kept for that.
   */
  async exchange(
    visit: Visit,
    upstream: Upstream,
    head: RequestHead,
    steps: ExchangeSteps,
  ): Promise<Response> {
    let stream: Stream | null = null;
    let unwatch: (() => void) | null = null;
    try {
      const { kind = "http", hasBody } = steps;
      const exchange = upstream.open({ kind, head, hasBody, visitor: visit.address });
      const opened = stream = exchange.stream;
      const { request, fields, port } = visit;
      unwatch = this.#disconnects.watch({ request, version: versionOf(fields), port }, () => {
        opened.reset(ErrorCode.Cancelled, "the visitor left");
      });
      steps.onOpen?.(exchange);
      const answered = await exchange.response;
      const response = steps.respond(visit, answered, opened);
      this.#specimens.keep(visit, exchange, answered, response);
      return response;
    } catch (error) {
      stream?.reset(ErrorCode.Cancelled, "no answer came about");
      const isUntouched = stream === null || (steps.isRepeatable ?? !steps.hasBody);
      if (error instanceof MovedError && isUntouched) throw error;
      const refusal = steps.refusal?.() ?? null;
      if (refusal === null) return this.#failed(visit, error);
      return refused(visit.request, refusal.status, refusal.reason, refusal.fields);
    } finally {
      unwatch?.();
    }
  }

  /** Returns the origin's own answer, with the body that follows its head. */
  answer(visit: Visit, head: ResponseHead, stream: Stream): Response {
    return answer(visit, head, stream, this.#log);
  }

  /** Leaves nothing that would keep a stopped server alive. */
  close(): void {
    this.#disconnects.close();
  }

  /** Answers for an exchange that failed before its head. */
  #failed(visit: Visit, error: unknown): Response {
    this.#log.debug("request failed", { host: visit.connection.host, reason: messageOf(error) });
    const { request, connection } = visit;
    return failureResponse(
      { request, hostname: connection.host, headTimeout: this.#headTimeout },
      error,
    );
  }
}

/** Tells the version by fields: HTTP/2 may do without Host, and has no Connection (RFC 9113 sections 8.2.2 and 8.3.1). */
function versionOf(fields: FieldList): Version {
  if (fields.has("connection")) return "1.1";
  return fields.has("host") ? "unknown" : "2";
}

/** Whether a body may come though the fields, read as those of HTTP/1.1, say that there is none. */
function mayHideBody({ request, fields }: Visit): boolean {
  if (request.method === "GET" || request.method === "HEAD") return false;
  return versionOf(fields) === "unknown" && !fields.has("content-length");
}
