import { Budget } from "../../mux/flow_control.ts";
import type { ResponseHead } from "../../http/head.ts";
import { type Field, fieldValue, HANDSHAKE_FIELDS, withoutHopByHop } from "../../http/fields.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../wire/limits.ts";
import type { Stream } from "../../mux/stream.ts";
import { type MessageSocket, WebSocketBridge } from "../../websocket/bridge.ts";
import type { Proxy } from "./proxy.ts";
import type { RequestHeads, TunnelVisit } from "./request_heads.ts";
import { type Answer, SWITCHING_PROTOCOLS, type Visit } from "../listen/visit.ts";
import { answerOf } from "./answer.ts";
import { refusalAnswer } from "./error_page.ts";
import type { WebSocketQuotas } from "./websocket_quotas.ts";
import type { ServerMetrics } from "../admin/server_metrics.ts";
import type { Upstream } from "../tunnels/upstream.ts";

/** Bytes that all visitors together may have sent ahead of what the tunnels take: four of the largest messages. */
const BACKLOG = 4 * MAX_WEBSOCKET_MESSAGE;

/** Carries visitors' WebSockets; the origin decides whether there is one. */
export class WebSocketProxy {
  readonly #proxy: Proxy;
  readonly #heads: RequestHeads;
  readonly #metrics: ServerMetrics;
  readonly #maxMessage: number;
  readonly #idleTimeout: number;
  readonly #quotas: WebSocketQuotas;
  readonly #backlog = new Budget(BACKLOG);

  constructor(
    options: {
      readonly proxy: Proxy;
      readonly heads: RequestHeads;
      readonly metrics: ServerMetrics;
      /** Bytes of a message, of the visitor's or the origin's. */
      readonly maxMessage: number;
      /** Milliseconds of silence after which a visitor that answers no ping is given up. */
      readonly idleTimeout: number;
      readonly quotas: WebSocketQuotas;
    },
  ) {
    this.#proxy = options.proxy;
    this.#heads = options.heads;
    this.#metrics = options.metrics;
    this.#maxMessage = options.maxMessage;
    this.#idleTimeout = options.idleTimeout;
    this.#quotas = options.quotas;
  }

  forward(request: TunnelVisit, upstream: Upstream): Answer | Promise<Answer> {
    const { visit } = request;
    const refusal = this.#quotas.refusal(visit);
    if (refusal !== null) {
      this.#metrics.limited.websockets.inc();
      return refusalAnswer(visit, refusal);
    }
    const asked = this.#heads.head(request, null);
    const head = { ...asked, fields: asked.fields.filter(([name]) => !HANDSHAKE_FIELDS.has(name)) };
    const leave = this.#quotas.enter(visit);
    return this.#proxy.exchange(request, upstream, head, {
      kind: "websocket",
      hasBody: true,
      isRepeatable: true,
      onFailure: leave,
      respond: (request, head, stream) => {
        if (head.status !== 101) {
          const answer = answerOf(request, head, stream);
          leave();
          return answer;
        }
        const socket = this.#accept(visit, head, stream);
        // It comes once, also for a socket that never opens.
        socket.addEventListener("close", leave);
        return {
          ...SWITCHING_PROTOCOLS,
          fields: withoutHopByHop(head.fields).filter(isForVisitor),
        };
      },
    });
  }

  #accept(visit: Visit, { fields }: ResponseHead, stream: Stream): MessageSocket {
    const socket = visit.accept({
      protocol: fieldValue(fields, "sec-websocket-protocol"),
      idleTimeout: this.#idleTimeout / 1000,
      onOpen: () => void bridge.start(),
    });
    const bridge = new WebSocketBridge(socket, stream, {
      backlog: this.#backlog,
      maxMessage: this.#maxMessage,
      onTooLong: () => this.#metrics.limited.message.inc(),
      beforeSend: (bytes) => visit.sent += bytes,
    });
    this.#metrics.upgrades.inc();
    return socket;
  }
}

/** Whether a field of the origin's handshake is meant for the visitor: the rest is of each hop's own. */
function isForVisitor([name]: Field): boolean {
  return !HANDSHAKE_FIELDS.has(name) && name !== "sec-websocket-protocol" &&
    name !== "content-length";
}
