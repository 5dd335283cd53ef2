import { Budget } from "../../mux/flow_control.ts";
import type { ResponseHead } from "../../http/head.ts";
import { fieldValue, withoutHopByHop } from "../../http/fields.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../wire/limits.ts";
import type { Stream } from "../../mux/stream.ts";
import { WebSocketBridge } from "../../websocket/bridge.ts";
import type { Proxy } from "./proxy.ts";
import type { RequestHeads } from "./request_heads.ts";
import type { Visit } from "../listen/visit.ts";
import type { ServerMetrics } from "../admin/server_metrics.ts";
import type { Upstream } from "../tunnels/upstream.ts";

/** Bytes that all visitors together may have sent ahead of what the tunnels take: four of the largest messages. */
const BACKLOG = 4 * MAX_WEBSOCKET_MESSAGE;

/** Fields that each hop's handshake has of its own (RFC 6455 section 4.1). */
const HANDSHAKE: ReadonlySet<string> = new Set([
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-version",
]);

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

  async forward(visit: Visit, upstream: Upstream): Promise<Response> {
    const asked = this.#heads.head(visit, null);
    const head = { ...asked, fields: asked.fields.filter(([name]) => !HANDSHAKE.has(name)) };
    return await this.#proxy.exchange(visit, upstream, head, {
      kind: "websocket",
      hasBody: true,
      isRepeatable: true,
      respond: (visit, head, stream) =>
        head.status === 101
          ? this.#accept(visit.request, head, stream)
          : this.#proxy.answer(visit, head, stream),
    });
  }

  #accept(request: Request, head: ResponseHead, stream: Stream): Response {
    const protocol = fieldValue(head.fields, "sec-websocket-protocol");
    const { response, socket } = Deno.upgradeWebSocket(
      request,
      protocol === undefined ? {} : { protocol },
    );
    for (const [name, value] of withoutHopByHop(head.fields)) {
      const isOurs = HANDSHAKE.has(name) || name === "sec-websocket-protocol" ||
        name === "content-length";
      if (!isOurs) response.headers.append(name, value);
    }
    socket.binaryType = "arraybuffer";
    const bridge = new WebSocketBridge(socket, stream, {
      backlog: this.#backlog,
      maxMessage: this.#maxMessage,
      onTooLong: () => this.#metrics.limited.message.inc(),
    });
    socket.addEventListener("open", () => void bridge.start());
    this.#open++;
    // It comes once, also for a socket that never opens.
    socket.addEventListener("close", () => this.#open--);
    this.#metrics.upgrades.inc();
    return response;
  }
}
