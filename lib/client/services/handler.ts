import { ErrorCode } from "../../wire/errors.ts";
import { FrameType } from "../../wire/frame.ts";
import { fieldValue, withoutHopByHop } from "../../http/fields.ts";
import type { RequestHead, ResponseHead } from "../../http/head.ts";
import { percentEncoded } from "../../http/octets.ts";
import type { Incoming, Service } from "./service.ts";

/** Answers one request, as a handler of `Deno.serve` does; `request.signal` aborts when the visitor leaves. */
export type Handler = (request: Request) => Response | Promise<Response>;

/** Options of {@linkcode HandlerService}. */
export interface HandlerServiceOptions {
  /**
   * Hears of what the handler throws, and of an answer that broke off.
   *
   * @default prints it, as `Deno.serve` does
   */
  readonly onError?: (error: unknown) => void;
}

/** Answers visitors with a handler in this process, without a port. It has no WebSockets. */
export class HandlerService implements Service {
  readonly #handler: Handler;
  readonly #onError: (error: unknown) => void;

  constructor(handler: Handler, { onError = console.error }: HandlerServiceOptions = {}) {
    this.#handler = handler;
    this.#onError = onError;
  }

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const gone = new AbortController();
    // Set before the first wait: a Reset may follow in the same message.
    incoming.onAbort = (error) => gone.abort(error);
    try {
      const response = await this.#ask(incoming, head, gone.signal);
      await send(incoming, response, { method: head.method, gone: gone.signal });
      // The answer is complete: nothing reads the rest of the upload.
      if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
    } catch (error) {
      if (gone.signal.aborted) return;
      incoming.reset(ErrorCode.Internal, "the handler's answer broke off");
      this.#report(error);
    } finally {
      incoming.onAbort = null;
    }
  }

  /** Does nothing: no connection is kept. */
  close(): void {}

  /** Returns the handler's answer, or one that says why there is none. */
  async #ask(incoming: Incoming, head: RequestHead, gone: AbortSignal): Promise<Response> {
    if (incoming.type === FrameType.WSRequest) {
      return sentence(501, "This service does not open WebSockets.");
    }
    if (NOT_ASKED.has(head.method)) {
      return sentence(501, `This service does not know the method ${head.method}.`);
    }
    try {
      const response = await this.#handler(requestOf(incoming, head, gone));
      checkAnswer(response);
      return response;
    } catch (error) {
      // A handler fails most often because its visitor has left; then there is nothing to tell.
      if (!gone.aborted) this.#report(error);
      return sentence(500, "The service could not answer this request.");
    }
  }

  #report(error: unknown): void {
    try {
      this.#onError(error);
    } catch {
      // `serve` must not reject: a report that fails costs no tunnel.
    }
  }
}

/** Methods that no `Request` can have (Fetch standard, section 2.2.1). */
const NOT_ASKED: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

function requestOf(
  incoming: Incoming,
  { method, target, fields }: RequestHead,
  signal: AbortSignal,
): Request {
  const headers = new Headers();
  for (const [name, value] of withoutHopByHop(fields)) headers.append(name, value);
  // A `Request` of these methods cannot have a body: one that comes is not read.
  const isBodiless = incoming.receiveEnded || method === "GET" || method === "HEAD";
  return new Request(urlOf(target, fields), {
    method,
    headers,
    signal,
    body: isBodiless ? null : bodyOf(incoming),
  });
}

/** Returns the URL that the visitor asked for; octets beyond ASCII are percent-encoded, for a URL has none. */
function urlOf(target: string, fields: RequestHead["fields"]): string {
  const scheme = fieldValue(fields, "x-forwarded-proto") === "https" ? "https" : "http";
  const host = fieldValue(fields, "host") ?? "localhost";
  // The target `*` (RFC 9112 section 3.2.4) has no URL of its own.
  const path = target === "*" ? "/" : target;
  return `${scheme}://${host}${percentEncoded(path)}`;
}

/** Returns the body of a request, which is taken from the tunnel no faster than the handler reads it. */
function bodyOf(incoming: Incoming): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const chunk = await incoming.read();
      // The handler may give its bytes away, and these share their memory with other streams.
      if (chunk !== null) controller.enqueue(chunk.bytes.slice());
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** @throws {TypeError} for an answer that cannot be sent. */
function checkAnswer(response: Response): void {
  const { status, body } = response;
  if (status < 200) throw new TypeError(`a handler cannot answer with the status ${status}`);
  if (body?.locked || response.bodyUsed) {
    throw new TypeError("a handler cannot answer with a body that was read already");
  }
}

interface Delivery {
  /** The method of the request. */
  readonly method: string;
  /** Aborts when the visitor leaves. */
  readonly gone: AbortSignal;
}

async function send(incoming: Incoming, response: Response, delivery: Delivery): Promise<void> {
  const { body } = response;
  const { method, gone } = delivery;
  // A `Response` with a status that has no body (204, 205, 304) cannot have one either.
  const isHead = method === "HEAD";
  if (gone.aborted) return await body?.cancel(gone.reason);
  incoming.respond(headOf(response), body === null || isHead);
  if (body === null) return;
  if (isHead) await body.cancel();
  else await sendBody(incoming, body, gone);
}

function headOf({ status, headers }: Response): ResponseHead {
  // The list has each Set-Cookie on its own.
  const fields = withoutHopByHop([...headers]);
  // RFC 9110 section 8.6 allows no length with this status.
  if (status === 204) return { status, fields: fields.filter(([name]) => name !== LENGTH) };
  return { status, fields };
}

const LENGTH = "content-length";

async function sendBody(
  incoming: Incoming,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  // The next piece may be hours away: the body's source must hear at once that the visitor has left.
  const stop = (): void => void reader.cancel(gone.reason).catch(() => {});
  gone.addEventListener("abort", stop);
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      // Nothing but bytes can be sent, and a stream may give anything.
      if (!(piece.value instanceof Uint8Array)) throw new TypeError("a body must consist of bytes");
      await incoming.write(piece.value);
    }
    await incoming.end();
  } catch (error) {
    stop();
    throw error;
  } finally {
    gone.removeEventListener("abort", stop);
  }
}

function sentence(status: number, text: string): Response {
  return new Response(`${text}\n`, { status });
}
