import { ErrorCode } from "../tunnel/errors.ts";
import { Budget } from "../tunnel/flow.ts";
import { FrameType } from "../tunnel/frame.ts";
import { decodeResponseHead, encodeRequestHead, type ResponseHead } from "../tunnel/head.ts";
import { fieldValue, withoutHopByHop } from "../tunnel/headers.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../tunnel/limits.ts";
import type { Session } from "../tunnel/session.ts";
import type { Stream } from "../tunnel/stream.ts";
import { WebSocketBridge } from "../tunnel/websocket.ts";
import type { Log } from "../log.ts";
import { answer } from "./answer.ts";
import type { Departures } from "./departures.ts";
import type { Proxy, Visit } from "./proxy.ts";
import type { ServerMetrics } from "./server_metrics.ts";

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
  readonly #departures: Departures;
  readonly #metrics: ServerMetrics;
  readonly #log: Log;
  readonly #backlog = new Budget(BACKLOG);

  constructor(
    options: {
      readonly proxy: Proxy;
      readonly departures: Departures;
      readonly metrics: ServerMetrics;
      readonly log: Log;
    },
  ) {
    this.#proxy = options.proxy;
    this.#departures = options.departures;
    this.#metrics = options.metrics;
    this.#log = options.log;
  }

  async forward(visit: Visit, session: Session): Promise<Response> {
    const { request } = visit;
    const fields = this.#proxy.requestFields(visit, null)
      .filter(([name]) => !HANDSHAKE.has(name));
    const head = encodeRequestHead({ method: "GET", target: visit.target, fields });
    const { stream, response } = session.open(FrameType.WSRequest, head, false);
    const unwatch = this.#departures.watch(request, () => {
      stream.reset(ErrorCode.Cancelled, "the visitor left");
    }, { isHTTP2: !visit.fields.has("host") });
    try {
      const answered = decodeResponseHead((await response).payload);
      if (answered.status === 101) return this.#accept(request, answered, stream);
      // The visitor sends nothing more: the refusal is all that remains of the stream.
      return answer(visit, answered, stream, this.#log);
    } catch (error) {
      stream.reset(ErrorCode.Cancelled, "the handshake failed");
      return this.#proxy.failed(visit, error);
    } finally {
      unwatch();
    }
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
    const bridge = new WebSocketBridge(socket, stream, { backlog: this.#backlog });
    socket.addEventListener("open", () => void bridge.start());
    this.#metrics.upgrades.inc();
    return response;
  }
}
