import type { ResponseHead } from "../http/head.ts";
import { ErrorCode, StreamError } from "../wire/errors.ts";
import { MAX_INTERIM } from "../wire/limits.ts";

/** Takes the response head of a stream, or learns why there is none: one of both is called, once, and must not throw. */
export interface HeadReceiver {
  onHead(head: ResponseHead): void;
  onFailure(error: Error): void;
  /** An interim response (1xx) came, before either. @default it is passed over */
  onInterim?(head: ResponseHead): void;
}

/** Says that no head came in time. */
export class HeadTimeout extends StreamError {
  /** Takes the milliseconds that were waited. */
  constructor(readonly timeout: number) {
    super(ErrorCode.Timeout, `no response head within ${timeout} ms`);
  }
}

/** The response head that a stream is still to get. A receiver costs less than a promise, which is made for who asks. */
export class PendingHead {
  /** When it is to be here at the latest, by `performance.now()`; infinite when it is not waited for any more. */
  deadline: number;
  /** Makes another error of the one that the receiver would get; null for none. */
  translate: ((error: Error) => Error) | null = null;
  /** The reason phrase that came before the head; null for none. */
  reasonPhrase: string | null = null;
  /** Interim responses that came. */
  #interim = 0;
  #outcome: ResponseHead | Error | null = null;
  #receiver: HeadReceiver | null = null;
  #promise: Promise<ResponseHead> | null = null;

  constructor(deadline: number) {
    this.deadline = deadline;
  }

  /** Resolves with the head; rejects with a StreamError or a SessionError. In the place of `receive`. */
  get promise(): Promise<ResponseHead> {
    return this.#promise ??= new Promise((onHead, onFailure) =>
      this.receive({ onHead, onFailure })
    );
  }

  /** Has the receiver called once the outcome is here: never before this returns. */
  receive(receiver: HeadReceiver): void {
    this.#receiver = receiver;
    if (this.#outcome !== null) this.#deliverSoon();
  }

  /** Gives an interim response to the receiver. @throws {StreamError} `Protocol` when there are too many. */
  takeInterim(head: ResponseHead): void {
    if (++this.#interim > MAX_INTERIM) {
      throw new StreamError(ErrorCode.Protocol, `over ${MAX_INTERIM} interim responses`);
    }
    this.#receiver?.onInterim?.(head);
  }

  /** Takes the head, for `deliver`. */
  resolve(head: ResponseHead): void {
    const { reasonPhrase } = this;
    if (reasonPhrase === null) this.#settle(head);
    else this.#settle({ status: head.status, reasonPhrase, fields: head.fields });
  }

  /** Ends the wait with an error, which is delivered when the caller is done; does nothing once there is an outcome. */
  reject(error: Error): void {
    if (this.#settle(error)) this.#deliverSoon();
  }

  /** Gives the outcome to the receiver, where both are here. */
  deliver(): void {
    const receiver = this.#receiver;
    const outcome = this.#outcome;
    if (receiver === null || outcome === null) return;
    this.#receiver = null;
    // The stream may last for hours, and its head with it.
    this.#outcome = null;
    if (!(outcome instanceof Error)) receiver.onHead(outcome);
    else receiver.onFailure(this.translate === null ? outcome : this.translate(outcome));
  }

  #settle(outcome: ResponseHead | Error): boolean {
    if (this.deadline === Infinity) return false;
    this.#outcome = outcome;
    this.deadline = Infinity;
    return true;
  }

  #deliverSoon(): void {
    queueMicrotask(() => this.deliver());
  }
}

/** Something that may wait for a head. */
export interface Awaiting {
  /** Null where none is to come. */
  readonly head: PendingHead | null;
}

/** Ends waits for heads that take too long: one timer for all of them, which is set for the first that may be over. */
export class HeadTimer {
  #timeout: number;
  readonly #all: () => Iterable<Awaiting>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the milliseconds that each may wait, and what returns all that may be waiting. */
  constructor(timeout: number, all: () => Iterable<Awaiting>) {
    this.#timeout = timeout;
    this.#all = all;
  }

  /** Begins a wait. */
  begin(): PendingHead {
    this.#timer ??= setTimeout(this.#look, this.#timeout);
    return new PendingHead(performance.now() + this.#timeout);
  }

  /** Has later waits end after so many milliseconds, where that is sooner. */
  shorten(timeout: number): void {
    this.#timeout = Math.min(this.#timeout, timeout);
  }

  /** Starts a wait anew, because the request is still making progress. */
  extend(head: PendingHead): void {
    if (head.deadline !== Infinity) head.deadline = performance.now() + this.#timeout;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    let next = Infinity;
    for (const { head } of this.#all()) {
      if (head === null) continue;
      if (head.deadline > now) next = Math.min(next, head.deadline);
      else head.reject(new HeadTimeout(this.#timeout));
    }
    if (next < Infinity) this.#timer = setTimeout(this.#look, next - now);
  };
}
