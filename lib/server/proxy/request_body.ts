import { ErrorCode } from "../../wire/errors.ts";
import type { Stream } from "../../mux/stream.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import type { IdleWatch, Waiting } from "./idle_watch.ts";
import type { RequestsLimited } from "../admin/server_metrics.ts";
import { dropRest, LINGER_TIMEOUT } from "../listen/unwanted_body.ts";
import type { BodyReader } from "../listen/visit.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";

/** Milliseconds in which a tunnel has to take what a visitor had sent of its body before it left. */
const LAST_BYTES_TIMEOUT = 2_000;

/** What all request bodies of a server share. */
export interface BodyLimits {
  /** Bytes of one body; null for no limit. */
  readonly most: number | null;
  readonly idle: IdleWatch;
  readonly limited: RequestsLimited;
}

/**
 * Sends a visitor's body into a stream as it comes and as credit allows.
 *
 * A visitor that leaves resets the stream, and so does a body that grows too long or stops coming: the
 * origin must see that it was cut. A stream that ends early, as when the origin has answered
 * without wanting the rest, stops the reading.
 */
export class RequestBody implements Waiting {
  readonly #reader: BodyReader;
  readonly #limits: BodyLimits;
  #stream: Stream | null = null;
  #refusal: VisitRefusal | null = null;
  #lingering: ReturnType<typeof setTimeout> | undefined;
  /** Settled when nothing more of it is sent. */
  readonly #sent = Promise.withResolvers<void>();
  waitingSince: number | null = null;
  /** Whether an answer has begun, so that nothing but the connection's end can tell the visitor of a failure. */
  answered = false;

  constructor(reader: BodyReader, limits: BodyLimits) {
    this.#reader = reader;
    this.#limits = limits;
  }

  /** Why the visitor's request was given up, once it was; null when that had other reasons. */
  get refusal(): VisitRefusal | null {
    return this.#refusal;
  }

  /** Sends all of it; never rejects. */
  async send(stream: Stream): Promise<void> {
    const { idle, most } = this.#limits;
    this.#stream = stream;
    stream.onAbort = () => this.#cancel();
    idle.add(this);
    try {
      for (let length = 0;;) {
        this.waitingSince = idle.tick;
        const { done, value } = await this.#reader.read();
        this.waitingSince = null;
        if (stream.sendEnded) break;
        if (done) {
          const { trailers } = this.#reader;
          if (trailers !== null && trailers !== undefined) stream.sendTrailers(trailers);
          await stream.end();
          return;
        }
        length += value.length;
        if (most !== null && length > most) {
          this.#limits.limited.body.inc();
          this.#refuse(stream, bodyTooLong(most), ErrorCode.TooLarge);
          break;
        }
        // What was read may be overwritten by the next read: the stream has copied it by then.
        if (value.length > 0) await stream.write(value);
      }
      // Deno ends the connection of an answer that is cut only once nobody reads the request any more.
      if (this.#refusal === null || this.answered) this.#cancel();
      else await dropRest(this.#reader);
    } catch {
      // A read that fails is the visitor's fault, a write that fails is not.
      if (this.waitingSince !== null) this.#refusal = BROKEN;
      // What is neither read nor given up blocks the connection, with all that fits into its buffers.
      this.#cancel();
      stream.reset(ErrorCode.Cancelled, "the visitor left before the end of the request");
    } finally {
      idle.delete(this);
      clearTimeout(this.#lingering);
      stream.onAbort = null;
      this.#sent.resolve();
    }
  }

  /** Resets the stream, for the visitor has left, behind what the visitor had sent. */
  async leave(stream: Stream): Promise<void> {
    await waitAtMost(LAST_BYTES_TIMEOUT, this.#sent.promise);
    stream.reset(ErrorCode.Cancelled, "the visitor left");
  }

  onIdle(): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.waitingSince = null;
    if (stream.sendEnded) {
      this.#cancel();
      return;
    }
    this.#limits.limited.idle.inc();
    this.#refuse(stream, TOO_SLOW, ErrorCode.Timeout);
    // A body that is still being read when the answer goes out makes Deno announce the connection's end.
    this.#lingering = setTimeout(() => this.#cancel(), LINGER_TIMEOUT);
  }

  #refuse(stream: Stream, refusal: VisitRefusal, code: ErrorCode): void {
    this.#refusal = refusal;
    stream.reset(code, refusal.reason);
  }

  #cancel(): void {
    void this.#reader.cancel().catch(() => {});
  }
}

/** Says how long a body may be (RFC 9110 section 15.5.14). */
export function bodyTooLong(most: number): VisitRefusal {
  return {
    code: "body",
    status: 413,
    reason: `the body of a request has at most ${most} bytes here`,
  };
}

/** Seen by visitors whose chunks are malformed (RFC 9112 section 7.1); one who has left sees nothing. */
const BROKEN: VisitRefusal = {
  code: "request",
  status: 400,
  reason: "the body of the request broke off or is not valid",
};

/** Seen by visitors whose body stops coming (RFC 9110 section 15.5.9). */
const TOO_SLOW: VisitRefusal = {
  code: "idle",
  status: 408,
  reason: "the rest of the request did not come",
};
