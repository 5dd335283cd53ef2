import type { ResponseHead } from "../http/head.ts";
import { ChurnMap } from "./v8_memory.ts";
import { ErrorCode, StreamError } from "../wire/errors.ts";

interface PendingHead {
  readonly resolve: (head: ResponseHead) => void;
  readonly reject: (error: Error) => void;
  deadline: number;
}

/**
 * Maps stream ids to the resolvers of their response heads.
 *
 * All wait equally long, so the map is in the order of the deadlines, and one timer for its first entry
 * serves them all.
 */
export class PendingHeads {
  readonly #pending = new ChurnMap<number, PendingHead>();
  readonly #timeout: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Makes a map whose entries are rejected with `Timeout` after `timeout` milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Returns the head that will come for `stream`; rejects with a StreamError or a SessionError. */
  expect(stream: number): Promise<ResponseHead> {
    return new Promise((resolve, reject) => {
      this.#pending.set(stream, { resolve, reject, deadline: performance.now() + this.#timeout });
      this.#timer ??= setTimeout(this.#expire, this.#timeout);
    });
  }

  /** Starts the wait anew, because the request is still making progress. */
  extend(stream: number): void {
    const entry = this.#pending.take(stream);
    if (entry === undefined) return;
    entry.deadline = performance.now() + this.#timeout;
    this.#pending.set(stream, entry);
  }

  resolve(stream: number, head: ResponseHead): void {
    this.#pending.take(stream)?.resolve(head);
  }

  reject(stream: number, error: Error): void {
    this.#pending.take(stream)?.reject(error);
  }

  /** Rejects all that is pending, when the session ends. */
  rejectAll(error: Error): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const entry of this.#pending.takeAll()) entry.reject(error);
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [stream, entry] of this.#pending) {
      if (entry.deadline > now) {
        this.#timer = setTimeout(this.#expire, entry.deadline - now);
        return;
      }
      this.reject(
        stream,
        new StreamError(ErrorCode.Timeout, `no response head within ${this.#timeout} ms`),
      );
    }
  };
}
