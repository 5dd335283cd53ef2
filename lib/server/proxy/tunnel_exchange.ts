import type { RequestHead, ResponseHead } from "../../http/head.ts";
import type { HeadReceiver } from "../../mux/pending_head.ts";
import type { OpenedStream, Stream } from "../../mux/stream.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";
import type { Answer, VisitWatcher, Watch } from "../listen/visit.ts";
import { MovedError, type Opening, type Upstream, type VisitRefusal } from "../tunnels/upstream.ts";
import { refusalAnswer } from "./error_page.ts";
import type { TunnelVisit } from "./request_heads.ts";

/** What one kind of exchange does beside the others. */
export interface ExchangeSteps {
  readonly kind: Opening["kind"];
  /** Whether a body, or messages, follow the head. */
  readonly hasBody: boolean;
  /** Whether it can be sent again before its answer. */
  readonly isRepeatable: boolean;
  readonly onOpen?: (opened: OpenedStream) => void;
  /** The visitor has left before its answer: the stream is to be reset. @default at once */
  readonly onLeave?: (stream: Stream) => void;
  readonly respond: (request: TunnelVisit, head: ResponseHead, stream: Stream) => Answer;
  /** No answer of the origin comes: called once, before anything else is done about it. */
  readonly onFailure?: () => void;
  /** Says how the visitor itself made it fail; null when it did not. */
  readonly refusal?: () => VisitRefusal | null;
}

/** What an exchange asks of the proxy that it belongs to. */
export interface ExchangeOwner {
  /** Hears of the objects of an answer that has begun. */
  answered(
    exchange: TunnelExchange,
    opened: OpenedStream,
    head: ResponseHead,
    answer: Answer,
  ): void;
  /** Answers for a request that failed before the head of its answer. */
  failed(request: TunnelVisit, error: unknown): Answer;
}

/**
 * One visit on its way through an upstream, until its answer has begun: it waits for the head, hears that the visitor
 * leaves, and settles the one promise that there is of the answer.
 */
export class TunnelExchange implements HeadReceiver, VisitWatcher {
  readonly answer: Promise<Answer>;
  readonly #owner: ExchangeOwner;
  readonly #request: TunnelVisit;
  readonly #steps: ExchangeSteps;
  #opened: OpenedStream | null = null;
  #watch: Watch | null = null;
  #resolve: (answer: Answer | Promise<Answer>) => void = nothing;
  #reject: (error: unknown) => void = nothing;

  constructor(owner: ExchangeOwner, request: TunnelVisit, steps: ExchangeSteps) {
    this.#owner = owner;
    this.#request = request;
    this.#steps = steps;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /**
   * Opens the stream. When the tunnel has moved and nothing was done with the request, another search begins: a body
   * that has begun to be read is not kept for that.
   */
  start(upstream: Upstream, head: RequestHead): void {
    const { visit } = this.#request;
    const { kind, hasBody, onOpen } = this.#steps;
    try {
      const opened = upstream.open({ kind, head, hasBody, visitor: visit.address });
      this.#opened = opened;
      this.#watch = visit.watch(this);
      onOpen?.(opened);
      opened.head.receive(this);
    } catch (error) {
      this.onFailure(error);
    }
  }

  onHead(head: ResponseHead): void {
    const opened = this.#opened;
    if (opened === null) return;
    // Before the answer is made: to a watch, a WebSocket that is accepted can look like a visitor that leaves.
    this.#watch?.end();
    try {
      const answer = this.#steps.respond(this.#request, head, opened.stream);
      this.#owner.answered(this, opened, head, answer);
      this.#resolve(answer);
    } catch (error) {
      this.onFailure(error);
    }
  }

  /** A WebSocket's visitor gets none: few programs expect one before a 101. */
  onInterim(head: ResponseHead): void {
    if (this.#steps.kind === "http") this.#request.visit.sendInterim(head);
  }

  onFailure(error: unknown): void {
    this.#watch?.end();
    const stream = this.#opened?.stream;
    // A fault of the answer is told to the peer that made it.
    if (error instanceof StreamError) stream?.reset(error.code, error.message);
    else stream?.reset(ErrorCode.Cancelled, "no answer came about");
    this.#steps.onFailure?.();
    try {
      this.#resolve(this.#instead(error));
    } catch (mistake) {
      this.#reject(mistake);
    }
  }

  leave(): void {
    const stream = this.#opened?.stream;
    if (stream === undefined) return;
    if (this.#steps.onLeave !== undefined) this.#steps.onLeave(stream);
    else stream.reset(ErrorCode.Cancelled, "the visitor left");
  }

  /** Returns what the visitor gets in place of an answer of the origin. */
  #instead(error: unknown): Answer | Promise<Answer> {
    const { isRepeatable, refusal } = this.#steps;
    const isUntouched = this.#opened === null || isRepeatable;
    if (error instanceof MovedError && isUntouched) return this.#request.again();
    const refused = refusal?.() ?? null;
    return refused === null
      ? this.#owner.failed(this.#request, error)
      : refusalAnswer(this.#request.visit, refused);
  }
}

function nothing(): void {}
