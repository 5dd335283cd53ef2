import type { RequestHead } from "../../http/head.ts";
import { Specimens } from "../../mux/v8_memory.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { answerOf } from "./answer.ts";
import { refusalAnswer } from "./error_page.ts";
import { failureAnswer } from "./failure.ts";
import { type BodyLimits, bodyTooLong, RequestBody } from "./request_body.ts";
import type { RequestHeads, TunnelVisit } from "./request_heads.ts";
import type { Answer } from "../listen/visit.ts";
import type { Upstream } from "../tunnels/upstream.ts";
import { type ExchangeOwner, type ExchangeSteps, TunnelExchange } from "./tunnel_exchange.ts";

/** Carries public HTTP requests through an upstream and returns what the origin answers. */
export class Proxy {
  readonly #heads: RequestHeads;
  readonly #bodies: BodyLimits;
  readonly #specimens = new Specimens();
  readonly #log: Log;
  readonly #owner: ExchangeOwner = {
    answered: (exchange, opened, head, answer) =>
      this.#specimens.keep(exchange, opened, head, answer),
    failed: (request, error) => this.#failed(request, error),
  };

  constructor(
    options: {
      readonly heads: RequestHeads;
      readonly bodies: BodyLimits;
      readonly log: Log;
    },
  ) {
    this.#heads = options.heads;
    this.#bodies = options.bodies;
    this.#log = options.log;
  }

  forward(request: TunnelVisit, upstream: Upstream): Answer | Promise<Answer> {
    const { visit } = request;
    const { framing } = visit;
    switch (framing.kind) {
      case "none":
        return this.#exchangeHTTP(request, upstream, null, BODILESS);
      case "body":
        return this.#forwardBody(request, upstream, framing.length);
      case "unannounced":
        return this.#forwardUnannounced(request, upstream);
      case "refused":
        visit.dropBody();
        return refusalAnswer(visit, framing);
    }
  }

  #forwardBody(
    request: TunnelVisit,
    upstream: Upstream,
    length: number | null,
  ): Answer | Promise<Answer> {
    const { visit } = request;
    const { most, limited } = this.#bodies;
    if (most !== null && length !== null && length > most) {
      limited.body.inc();
      visit.dropBody();
      return refusalAnswer(visit, bodyTooLong(most));
    }
    return this.#sendBody(request, upstream, length);
  }

  /** Returns what bodies may be for an upstream, whose owner may allow less than the server. */
  #bodiesFor({ maxBody }: Upstream): BodyLimits {
    const { most } = this.#bodies;
    if (maxBody === null || (most !== null && most <= maxBody)) return this.#bodies;
    return { ...this.#bodies, most: maxBody };
  }

  /** Forwards a request of which only its body itself can tell whether it has one. */
  async #forwardUnannounced(request: TunnelVisit, upstream: Upstream): Promise<Answer> {
    return await request.visit.bodyBegins()
      ? await this.#sendBody(request, upstream, null)
      : await this.#exchangeHTTP(request, upstream, null, BODILESS);
  }

  #sendBody(
    request: TunnelVisit,
    upstream: Upstream,
    length: number | null,
  ): Promise<Answer> {
    let body: RequestBody | null = null;
    return this.#exchangeHTTP(request, upstream, length, {
      kind: "http",
      hasBody: true,
      isRepeatable: false,
      onOpen: ({ stream }) => {
        if (upstream.tellsContinue) request.visit.leaveContinue();
        body = new RequestBody(request.visit.readBody(), this.#bodiesFor(upstream));
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

  /** Carries a request whose head is made; `steps` say what is special about it. */
  exchange(
    request: TunnelVisit,
    upstream: Upstream,
    head: RequestHead,
    steps: ExchangeSteps,
  ): Promise<Answer> {
    const exchange = new TunnelExchange(this.#owner, request, steps);
    exchange.start(upstream, head);
    return exchange.answer;
  }

  /** Answers for a request that failed before the head of its answer. */
  #failed({ visit, connection }: TunnelVisit, error: unknown): Answer {
    this.#log.debug("request failed", { host: connection.host, reason: messageOf(error) });
    return failureAnswer({ request: visit, hostname: connection.host }, error);
  }
}

/** What most requests have. */
const BODILESS: ExchangeSteps = {
  kind: "http",
  hasBody: false,
  isRepeatable: true,
  respond: answerOf,
};
