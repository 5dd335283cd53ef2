import { BodyDecoder } from "../../../http/body_decoder.ts";
import type { Field } from "../../../http/fields.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { RequestError } from "../../../http/request_error.ts";
import type { RequestBodyFraming } from "../../../http/request_parser.ts";
import type { BodyReader } from "../visit.ts";
import type { ConnectionInput } from "./connection_input.ts";

type Read = Awaited<ReturnType<BodyReader["read"]>>;

/** Bytes of a body above which it is read in large pieces. */
const LONG_BODY = 8 * 1024;

const DONE: Read = { done: true };

/** Reads the body of one request out of its connection. */
export class OwnBodyReader implements BodyReader {
  readonly #input: ConnectionInput;
  readonly #decoder: BodyDecoder;
  readonly #isLong: boolean;
  /** Called when somebody wants the body for the first time. */
  readonly #onWanted: () => void;
  /** Called when nobody reads it any more: all of it has come, or it is broken, or given up. */
  readonly #onEnd: () => void;
  #waiting: { resolve(read: Read): void; reject(error: unknown): void } | null = null;
  #isWanted = false;
  #isOver = false;
  #fault: unknown = null;
  /** Whether the last piece may still be looked at. */
  #isLent = false;

  constructor(
    input: ConnectionInput,
    framing: RequestBodyFraming,
    events: { readonly onWanted: () => void; readonly onEnd: () => void },
  ) {
    this.#input = input;
    this.#decoder = new BodyDecoder(framing);
    this.#isLong = framing === "chunked" || framing > LONG_BODY;
    this.#onWanted = events.onWanted;
    this.#onEnd = events.onEnd;
  }

  /** Whether all of it was taken out of the connection, and was right, so that the next request comes behind. */
  get isDone(): boolean {
    return this.#decoder.done && this.#fault === null;
  }

  /** Whether it broke off, or is malformed. */
  get isBroken(): boolean {
    return this.#fault !== null;
  }

  /** Whether somebody has begun to read it. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Whether nobody reads it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The fields behind it, once it is done; null for none. */
  get trailers(): readonly Field[] | null {
    return this.#decoder.trailers;
  }

  read(): Promise<Read> {
    this.#isLent = false;
    this.#want();
    if (this.#fault !== null) return Promise.reject(this.#fault);
    const read = this.#isOver ? DONE : this.#take();
    if (read !== null) return Promise.resolve(read);
    if (this.#fault !== null) return Promise.reject(this.#fault);
    return new Promise((resolve, reject) => this.#waiting = { resolve, reject });
  }

  /** Gives it up; what is read afterwards is its end. */
  cancel(): Promise<void> {
    if (!this.#isOver) {
      // Another request must not be read over what is still being sent on.
      if (this.#isLent) this.#input.leaveBuffer();
      this.#end();
      this.#settle(DONE);
    }
    return Promise.resolve();
  }

  /** Takes what has come; called whenever something has. */
  onInput(): void {
    if (this.#waiting === null || this.#isOver) return;
    const read = this.#take();
    if (read !== null) this.#settle(read);
    else if (this.#fault !== null) {
      const { reject } = this.#waiting;
      this.#waiting = null;
      reject(this.#fault);
    }
  }

  /**
   * Drops what has come of a body that is over for whoever read it, and returns how many bytes; more may come until it is
   * done or broken.
   */
  drop(): number {
    const { start, end } = this.#input;
    try {
      if (!this.isDone) this.#decode();
    } catch (error) {
      this.#fault = error;
    }
    if (!this.isDone && this.#input.hasEnded) this.#fault ??= cutOff();
    if (!this.isDone && this.#fault === null) this.#input.read(this.#isLong);
    return end - start;
  }

  #want(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    if (!this.isDone) this.#onWanted();
  }

  /** Returns the next piece, or the end; null when more has to come first, or will not. */
  #take(): Read | null {
    try {
      const { from, to } = this.#decode();
      if (to > from) {
        this.#isLent = true;
        return { done: false, value: this.#input.buffer.subarray(from, to) };
      }
    } catch (error) {
      return this.#fail(error);
    }
    if (this.isDone) {
      this.#end();
      return DONE;
    }
    if (this.#input.hasEnded) return this.#fail(cutOff());
    this.#input.read(this.#isLong);
    return null;
  }

  #decode(): BodyDecoder {
    const { buffer, start, end } = this.#input;
    const decoder = this.#decoder;
    try {
      this.#input.takeTo(decoder.decode(buffer, start, end));
    } catch (cause) {
      if (!(cause instanceof OriginError)) throw cause;
      throw malformed(cause);
    }
    // What may be mended of an origin's answer could be read in another way by who stands before this server.
    if (decoder.takeMended().length > 0) throw malformed();
    return decoder;
  }

  #fail(error: unknown): null {
    this.#fault = error;
    this.#end();
    return null;
  }

  #end(): void {
    this.#isOver = true;
    this.#onEnd();
  }

  #settle(read: Read): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(read);
  }
}

function malformed(cause?: unknown): RequestError {
  return new RequestError(400, "the chunks of the body are malformed (RFC 9112 section 7.1)", {
    cause,
  });
}

function cutOff(): RequestError {
  return new RequestError(400, "the body broke off");
}
