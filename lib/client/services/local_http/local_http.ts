import { ErrorCode } from "../../../wire/errors.ts";
import { FrameType } from "../../../wire/frame.ts";
import type { RequestHead } from "../../../http/head.ts";
import { Specimens } from "../../../mux/v8_memory.ts";
import type { Incoming, Service } from "../service.ts";
import { messageOf } from "../../../cli/safe_text.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { giveOutputBuffer } from "./output_buffers.ts";
import { OriginPool, type OriginResponse, type RequestBody } from "./origin_pool.ts";
import { type OriginRequest, originRequest, ownHead } from "./origin_request.ts";
import { OriginWebSockets } from "../local_websocket.ts";

export interface LocalHTTPOptions {
  readonly hostname: string;
  readonly port: number;
  /** What the origin gets as Host: null for the public one, `rewrite` for its own, or a text. */
  readonly hostHeader: string | null;
}

/** The local service: answers each stream by asking it, and nothing else on this machine or beyond. */
export class LocalHTTP implements Service {
  readonly #pool: OriginPool;
  readonly #webSockets: OriginWebSockets;
  readonly #host: string | null;
  readonly #specimens = new Specimens();

  constructor({ hostname, port, hostHeader }: LocalHTTPOptions) {
    this.#pool = new OriginPool({ hostname, port });
    this.#webSockets = new OriginWebSockets({ hostname, port });
    const own = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
    this.#host = hostHeader === "rewrite" ? own : hostHeader;
  }

  /** Serves one stream to its end; every failure ends in that stream's Reset. */
  async serve(stream: Incoming, head: RequestHead): Promise<void> {
    try {
      const own = ownHead(head, this.#host);
      if (stream.type === FrameType.WSRequest) await this.#openWebSocket(stream, own);
      else await this.#exchange(stream, originRequest(own));
    } catch (error) {
      const { code, reason } = resetOf(error);
      stream.reset(code, reason);
    }
  }

  /** Closes the connections that are idle; those in use when they are done. */
  close(): void {
    this.#pool.close();
  }

  async #openWebSocket(stream: Incoming, head: RequestHead): Promise<void> {
    // As below: a Reset may be right behind.
    await null;
    if (!stream.sendEnded) await this.#webSockets.serve(stream, head);
  }

  async #exchange(stream: Incoming, request: OriginRequest): Promise<void> {
    const body = stream.receiveEnded ? null : new StreamBody(stream, request.length);
    // A Reset may follow in the same message: what is not wanted any more need not reach the origin.
    await null;
    if (stream.sendEnded) return giveOutputBuffer(request.buffer);
    const exchange = this.#pool.exchange(request, body);
    stream.onAbort = () => exchange.abort();
    try {
      const response = await exchange.response;
      this.#specimens.keep(stream, request, exchange, response);
      await sendAnswer(stream, response);
      // The origin has said all: what is left of the upload has no reader.
      if (!stream.receiveEnded) stream.reset(ErrorCode.None, "the answer is complete");
    } finally {
      stream.onAbort = null;
      exchange.abort();
    }
  }
}

async function sendAnswer(stream: Incoming, response: OriginResponse): Promise<void> {
  let read = response.read();
  stream.respond(response.head, read === null);
  if (read === null) return;
  for (;;) {
    const bytes = read instanceof Promise ? await read : read;
    if (bytes === null) break;
    if (response.complete) {
      // The last bytes and the end need one frame.
      const ended = stream.end(bytes);
      if (ended !== undefined) await ended;
      response.read();
      return;
    }
    const written = stream.write(bytes);
    if (written !== undefined) await written;
    read = response.read();
  }
  await stream.end();
}

/** The body of a request as it comes out of its stream. */
class StreamBody implements RequestBody {
  readonly #stream: Incoming;

  constructor(stream: Incoming, readonly length: number | null) {
    this.#stream = stream;
  }

  read(): Uint8Array | null | Promise<Uint8Array | null> {
    const read = this.#stream.read();
    if (read instanceof Promise) return read.then((chunk) => chunk === null ? null : chunk.bytes);
    return read === null ? null : read.bytes;
  }
}

/** Says by which code a failure is told to the server. */
function resetOf(error: unknown): { readonly code: number; readonly reason: string } {
  if (!(error instanceof OriginError)) {
    return { code: ErrorCode.Protocol, reason: messageOf(error) };
  }
  return { code: RESET_CODES[error.code], reason: error.message };
}

const RESET_CODES: Readonly<Record<OriginError["code"], number>> = {
  refused: ErrorCode.OriginUnreachable,
  unreachable: ErrorCode.OriginUnreachable,
  malformed: ErrorCode.OriginMalformed,
  cut: ErrorCode.OriginCut,
  timeout: ErrorCode.Timeout,
  aborted: ErrorCode.Cancelled,
};
