import { ErrorCode, StreamError } from "../../wire/errors.ts";
import type { RequestHead, ResponseHead } from "../../http/head.ts";
import { Specimens } from "../../mux/v8_memory.ts";
import type { Stream } from "../../mux/stream.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { answerOf } from "./answer.ts";
import { refusalAnswer } from "./error_page.ts";
import { failureAnswer } from "./failure.ts";
import { type BodyLimits, bodyTooLong, RequestBody } from "./request_body.ts";
import type { RequestHeads, TunnelVisit } from "./request_heads.ts";
import type { Answer } from "../listen/visit.ts";
import {
  MovedError,
  type OpenedStream,
  type Opening,
  type Upstream,
  type VisitRefusal,
} from "../tunnels/upstream.ts";

/** What one kind of exchange does beside the others. */
export interface ExchangeSteps {
  /** @default "http" */
  readonly kind?: Opening["kind"];
  /** Whether a body, or messages, follow the head. */
  readonly hasBody: boolean;
  /** Whether it can be sent again before its answer. @default when no body follows */
  readonly isRepeatable?: boolean;
  readonly onOpen?: (opened: OpenedStream) => void;
  /** The visitor has left before its answer: the stream is to be reset. @default at once */
  readonly onLeave?: (stream: Stream) => void;
  readonly respond: (request: TunnelVisit, head: ResponseHead, stream: Stream) => Answer;
  /** Says how the visitor itself made it fail; null when it did not. */
  readonly refusal?: () => VisitRefusal | null;
}

/** Carries public HTTP requests through an upstream and returns what the origin answers. */
export class Proxy {
  readonly #heads: RequestHeads;
  readonly #headTimeout: number;
  readonly #bodies: BodyLimits;
  readonly #specimens = new Specimens();
  readonly #log: Log;
  /** What most requests have, which is therefore made once. */
  readonly #bodiless: ExchangeSteps = {
    hasBody: false,
    respond: answerOf,
  };

  constructor(
    options: {
      readonly heads: RequestHeads;
      /** Milliseconds that a head may take, for the page that says it took longer. */
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

  forward(request: TunnelVisit, upstream: Upstream): Promise<Answer> {
    const { visit } = request;
    const { framing } = visit;
    switch (framing.kind) {
      case "none":
        return this.#exchangeHTTP(request, upstream, null, this.#bodiless);
      case "body":
        return this.#forwardBody(request, upstream, framing.length);
      case "unannounced":
        return this.#forwardUnannounced(request, upstream);
      case "refused":
        visit.dropBody();
        return Promise.resolve(refusalAnswer(visit, framing));
    }
  }

  #forwardBody(
    request: TunnelVisit,
    upstream: Upstream,
    length: number | null,
  ): Promise<Answer> {
    const { visit } = request;
    const { most, limited } = this.#bodies;
    if (most !== null && length !== null && length > most) {
      limited.body.inc();
      visit.dropBody();
      return Promise.resolve(refusalAnswer(visit, bodyTooLong(most)));
    }
    return this.#sendBody(request, upstream, length);
  }

  /** Forwards a request of which only its body itself can tell whether it has one. */
  async #forwardUnannounced(request: TunnelVisit, upstream: Upstream): Promise<Answer> {
    return await request.visit.bodyBegins()
      ? await this.#sendBody(request, upstream, null)
      : await this.#exchangeHTTP(request, upstream, null, this.#bodiless);
  }

  #sendBody(
    request: TunnelVisit,
    upstream: Upstream,
    length: number | null,
  ): Promise<Answer> {
    let body: RequestBody | null = null;
    return this.#exchangeHTTP(request, upstream, length, {
      hasBody: true,
      onOpen: ({ stream }) => {
        body = new RequestBody(request.visit.readBody(), this.#bodies);
        void body.send(stream);
      },
      onLeave: (stream) => void body?.leave(stream),
      respond: (request, head, stream) => {
        if (body !== null) body.answered = true;
        return answerOf(request, head, stream);
      },
      refusal: () => body === null ? null : body.refusal,
    });
  }

  #exchangeHTTP(
    request: TunnelVisit,
    upstream: Upstream,
    length: number | null,
    steps: ExchangeSteps,
  ): Promise<Answer> {
    return this.exchange(request, upstream, this.#heads.head(request, length), steps);
  }

  /**
   * Opens a stream, waits for the head of its response and returns what `respond` makes of it; a visitor that
   * leaves before takes the stream with it, and a failure is answered for.
   *
   * @throws {MovedError} when nothing was done with the request, and it can be sent again as it is: a body that has
   * begun to be read is not kept for that.
   */
  async exchange(
    request: TunnelVisit,
    upstream: Upstream,
    head: RequestHead,
    steps: ExchangeSteps,
  ): Promise<Answer> {
    const { visit } = request;
    const { kind = "http", hasBody } = steps;
    let stream: Stream | null = null;
    let unwatch: (() => void) | null = null;
    try {
      const exchange = upstream.open({ kind, head, hasBody, visitor: visit.address });
      const opened = stream = exchange.stream;
      unwatch = visit.watch(() => {
        if (steps.onLeave !== undefined) steps.onLeave(opened);
        else opened.reset(ErrorCode.Cancelled, "the visitor left");
      });
      steps.onOpen?.(exchange);
      const answered = await exchange.response;
      const answer = steps.respond(request, answered, opened);
      this.#specimens.keep(request, exchange, answered, answer);
      return answer;
    } catch (error) {
      // A fault of the answer is told to the peer that made it.
      if (error instanceof StreamError) stream?.reset(error.code, error.message);
      else stream?.reset(ErrorCode.Cancelled, "no answer came about");
      const isUntouched = stream === null || (steps.isRepeatable ?? !hasBody);
      if (error instanceof MovedError && isUntouched) throw error;
      const refusal = steps.refusal?.() ?? null;
      return refusal === null ? this.#failed(request, error) : refusalAnswer(visit, refusal);
    } finally {
      unwatch?.();
    }
  }

  /** Answers for a request that failed before the head of its answer. */
  #failed({ visit, connection }: TunnelVisit, error: unknown): Answer {
    this.#log.debug("request failed", { host: connection.host, reason: messageOf(error) });
    return failureAnswer(
      { request: visit, hostname: connection.host, headTimeout: this.#headTimeout },
      error,
    );
  }
}
