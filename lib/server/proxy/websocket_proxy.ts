import { Budget } from "../../mux/flow_control.ts";
import type { ResponseHead } from "../../http/head.ts";
import { type Field, fieldValue, HANDSHAKE_FIELDS, withoutHopByHop } from "../../http/fields.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../wire/limits.ts";
import type { Stream } from "../../mux/stream.ts";
import { WebSocketBridge } from "../../websocket/bridge.ts";
import type { Proxy } from "./proxy.ts";
import type { RequestHeads, TunnelVisit } from "./request_heads.ts";
import { type Answer, SWITCHING_PROTOCOLS, type Visit } from "../listen/visit.ts";
import { answerOf } from "./answer.ts";
import type { ServerMetrics } from "../admin/server_metrics.ts";
import type { Upstream } from "../tunnels/upstream.ts";

/** Bytes that all visitors together may have sent ahead of what the tunnels take: four of the largest messages. */
const BACKLOG = 4 * MAX_WEBSOCKET_MESSAGE;

/** Seconds of silence after which a visitor that answers no ping is given up. */
const IDLE_TIMEOUT = 30;

/** Carries visitors' WebSockets; the origin decides whether there is one. */
export class WebSocketProxy {
  readonly #proxy: Proxy;
  readonly #heads: RequestHeads;
  readonly #metrics: ServerMetrics;
  readonly #maxMessage: number;
  readonly #backlog = new Budget(BACKLOG);
  #open = 0;

  constructor(
    options: {
      readonly proxy: Proxy;
      readonly heads: RequestHeads;
      readonly metrics: ServerMetrics;
      /** Bytes of a message, of the visitor's or the origin's. */
      readonly maxMessage: number;
    },
  ) {
    this.#proxy = options.proxy;
    this.#heads = options.heads;
    this.#metrics = options.metrics;
    this.#maxMessage = options.maxMessage;
  }

  /** WebSockets of visitors that are open. */
  get open(): number {
    return this.#open;
  }

  async forward(request: TunnelVisit, upstream: Upstream): Promise<Answer> {
    const asked = this.#heads.head(request, null);
    const head = { ...asked, fields: asked.fields.filter(([name]) => !HANDSHAKE_FIELDS.has(name)) };
    return await this.#proxy.exchange(request, upstream, head, {
      kind: "websocket",
      hasBody: true,
      isRepeatable: true,
      respond: (request, head, stream) =>
        head.status === 101
          ? this.#accept(request.visit, head, stream)
          : answerOf(request, head, stream),
    });
  }

  #accept(visit: Visit, { fields }: ResponseHead, stream: Stream): Answer {
    const socket = visit.accept({
      protocol: fieldValue(fields, "sec-websocket-protocol"),
      idleTimeout: IDLE_TIMEOUT,
      onOpen: () => void bridge.start(),
    });
    const bridge = new WebSocketBridge(socket, stream, {
      backlog: this.#backlog,
      maxMessage: this.#maxMessage,
      onTooLong: () => this.#metrics.limited.message.inc(),
      beforeSend: (bytes) => visit.sent += bytes,
    });
    this.#open++;
    // It comes once, also for a socket that never opens.
    socket.addEventListener("close", () => this.#open--);
    this.#metrics.upgrades.inc();
    return { ...SWITCHING_PROTOCOLS, fields: withoutHopByHop(fields).filter(isForVisitor) };
  }
}

/** Whether a field of the origin's handshake is meant for the visitor: the rest is of each hop's own. */
function isForVisitor([name]: Field): boolean {
  return !HANDSHAKE_FIELDS.has(name) && name !== "sec-websocket-protocol" &&
    name !== "content-length";
}
