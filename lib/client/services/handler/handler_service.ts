import { Budget } from "../../../mux/flow_control.ts";
import { ErrorCode, StreamError } from "../../../wire/errors.ts";
import { expectsContinue } from "../../../http/fields.ts";
import { FrameType } from "../../../wire/frame.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../../wire/limits.ts";
import { CONTINUE, type RequestHead } from "../../../http/head.ts";
import type { Incoming, Service } from "../service.ts";
import { HandledExchange } from "./handled_exchange.ts";
import type { Handler } from "./handler.ts";
import { checkAnswer, handshakeFields, sendAnswer } from "./handler_answer.ts";
import { NOT_ASKED, requestOf, webSocketUrlOf } from "./handler_request.ts";
import { ServedWebSocket } from "./served_websocket.ts";
import { rememberUpgrade } from "./upgrade_websocket.ts";

/** Options of {@linkcode HandlerService}. */
export interface HandlerServiceOptions {
  /**
   * Hears of what the handler throws, and of an answer that broke off.
   *
   * @default prints it, as `Deno.serve` does
   */
  readonly onError?: (error: unknown) => void;
}

/** Bytes that handlers' WebSockets together may have waiting for their visitors: four of the largest messages. */
const BACKLOG = 4 * MAX_WEBSOCKET_MESSAGE;

/** Answers visitors with a handler in this process, without a port. */
export class HandlerService implements Service {
  readonly #handler: Handler;
  readonly #onError: (error: unknown) => void;
  readonly #backlog = new Budget(BACKLOG);

  constructor(handler: Handler, { onError = console.error }: HandlerServiceOptions = {}) {
    this.#handler = handler;
    this.#onError = onError;
  }

  async serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const exchange = this.#exchangeOf(incoming, head);
    const { gone } = exchange;
    // Set before the first wait: a Reset may follow in the same message.
    incoming.onAbort = (error) => exchange.leave(error);
    try {
      const response = await this.#ask(incoming, head, exchange);
      const { socket } = exchange;
      if (socket !== null && exchange.isUpgrade(response)) {
        await socket.accept(handshakeFields(response), gone);
      } else {
        socket?.abandon();
        // An answer may be made of a body that is yet to be read, and a visitor who gets it first never sends that.
        if (response.ok && !incoming.receiveEnded && expectsContinue(head.fields)) {
          incoming.sendInterim(CONTINUE);
        }
        await sendAnswer(incoming, response, { method: head.method, gone });
        // The answer is complete: nothing reads the rest of the upload.
        if (!incoming.receiveEnded) incoming.reset(ErrorCode.None, "the answer is complete");
      }
      exchange.end(gone.aborted ? gone.reason : undefined);
    } catch (error) {
      exchange.socket?.abandon();
      exchange.end(error);
      if (gone.aborted) return;
      if (error instanceof StreamError) incoming.reset(error.code, error.message);
      else incoming.reset(ErrorCode.Internal, "the handler's answer broke off");
      this.#report(error);
    } finally {
      incoming.onAbort = null;
    }
  }

  /** Does nothing: no connection is kept. */
  close(): void {}

  #exchangeOf(incoming: Incoming, head: RequestHead): HandledExchange {
    if (incoming.type !== FrameType.WSRequest) return new HandledExchange(head.fields, null);
    const url = webSocketUrlOf(head);
    const backlog = this.#backlog;
    return new HandledExchange(
      head.fields,
      (protocol) => new ServedWebSocket(incoming, { url, protocol, backlog }),
    );
  }

  /** Returns the handler's answer, or one that says why there is none. */
  async #ask(
    incoming: Incoming,
    head: RequestHead,
    exchange: HandledExchange,
  ): Promise<Response> {
    if (NOT_ASKED.has(head.method)) {
      return sentence(501, `This service does not know the method ${head.method}.`);
    }
    try {
      const request = requestOf(incoming, head, exchange.gone);
      exchange.ask(request);
      if (incoming.type === FrameType.WSRequest) rememberUpgrade(request, exchange);
      const response = await this.#handler(request, exchange);
      checkAnswer(response);
      return response;
    } catch (error) {
      // A handler fails most often because its visitor has left; then there is nothing to tell.
      if (!exchange.gone.aborted) this.#report(error);
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

function sentence(status: number, text: string): Response {
  return new Response(`${text}\n`, { status });
}
