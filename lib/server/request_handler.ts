import type { Field } from "../http/fields.ts";
import { pathOf } from "../http/target.ts";
import { SUBSCRIBE_PATH } from "../wire/messages.ts";
import type { Log } from "../cli/log.ts";
import { NO_SUCH_PAGE, type OwnPages } from "./admin/own_pages.ts";
import type { ServerMetrics } from "./admin/server_metrics.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Answer, Visit, VisitHandler } from "./listen/visit.ts";
import {
  clientAway,
  errorAnswer,
  refusalAnswer,
  tooBusy,
  unknownTunnel,
} from "./proxy/error_page.ts";
import { TUNNEL_BUSY } from "./proxy/failure.ts";
import type { ForwardedFields } from "./proxy/forwarded.ts";
import type { Proxy } from "./proxy/proxy.ts";
import {
  headSize,
  headTooLong,
  listTooLong,
  MAX_HEAD,
  type TunnelVisit,
} from "./proxy/request_heads.ts";
import { checkUpgrade } from "./proxy/upgrade.ts";
import type { WebSocketProxy } from "./proxy/websocket_proxy.ts";
import { FIXED_HOSTNAME, type Router } from "./router.ts";
import type { ClientSessions } from "./tunnels/client_sessions.ts";
import type { Unavailable, Upstream, VisitRefusal } from "./tunnels/upstream.ts";
import type { UpstreamFinder } from "./tunnels/upstream_finder.ts";

export interface RequestHandlerOptions {
  readonly router: Router;
  readonly finder: UpstreamFinder;
  /** null for a server that is alone. */
  readonly cluster: Cluster | null;
  readonly forwarded: ForwardedFields;
  readonly proxy: Proxy;
  readonly webSockets: WebSocketProxy;
  readonly pages: OwnPages;
  readonly clientSessions: ClientSessions;
  /** The port on which clients connect, when it is another. */
  readonly clientPort: number | null;
  readonly metrics: ServerMetrics;
  /** Bytes of a visitor's request head. */
  readonly maxHead: number;
  /** Whether clients are on their way elsewhere, or back. */
  readonly isRestarting: () => boolean;
  readonly log: Log;
}

const CLIENTS_ALONE: VisitRefusal = {
  code: "page",
  status: 404,
  reason: "only clients connect here",
};

/** What a handshake that is missing must be (RFC 9110 section 15.5.22). */
const UPGRADE_WANTED: readonly Field[] = [["upgrade", "websocket"]];

/** Carries visits through an upstream: requests, or WebSockets. */
type Carrier = Pick<Proxy, "forward">;

/** Gives each visit to the one it is for: the server's own pages, a client that subscribes, or a tunnel. */
export class RequestHandler implements VisitHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  handle(visit: Visit): Answer | Promise<Answer> {
    const { router, forwarded, cluster } = this.#options;
    const long = listTooLong(visit.fields);
    if (long !== null) return this.#headRefused(visit, long);
    if (cluster?.isFromNode(visit)) return this.#fromNode(visit, NO_SUCH_PAGE);
    const route = router.route(visit);
    if (route.kind === "refused") return refusalAnswer(visit, { ...route, code: "request" });
    visit.address = forwarded.clientAddress(visit.fields, visit.peer.hostname);
    if (route.kind === "own") return this.#own(visit, pathOf(route.path));
    if (route.kind === "admin") {
      return this.#options.pages.respond(visit, pathOf(route.path), "admin");
    }
    visit.tunnel = route.hostname;
    const { hostname, target } = route;
    return this.#tunnel(visit, hostname, target);
  }

  /** Answers a visit to the port of the clients, where only clients and other nodes are served, whatever their Host is. */
  handleClient(visit: Visit): Answer | Promise<Answer> {
    const { forwarded, cluster } = this.#options;
    const long = listTooLong(visit.fields);
    if (long !== null) return this.#headRefused(visit, long);
    if (cluster?.isFromNode(visit)) return this.#fromNode(visit, CLIENTS_ALONE);
    if (pathOf(visit.target) !== SUBSCRIBE_PATH) return refusalAnswer(visit, CLIENTS_ALONE);
    visit.address = forwarded.clientAddress(visit.fields, visit.peer.hostname);
    return this.#subscribe(visit);
  }

  failed(visit: Visit, error: unknown): Answer {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#options.log.error("a request failed inside the server", { reason });
    return errorAnswer(visit, {
      code: "internal",
      status: 500,
      title: "Internal error",
      text: "This server failed to handle the request.",
    });
  }

  /** Lets another node in, and answers 404 to everyone else. */
  async #fromNode(visit: Visit, otherwise: VisitRefusal): Promise<Answer> {
    return await this.#options.cluster?.accept(visit) ?? refusalAnswer(visit, otherwise);
  }

  #tunnel(visit: Visit, hostname: string, target: string): Answer | Promise<Answer> {
    const { maxHead, proxy, webSockets } = this.#options;
    // Deno itself refuses heads above the default.
    if (maxHead < MAX_HEAD && headSize(visit) > maxHead) {
      return this.#headRefused(visit, headTooLong(maxHead));
    }
    const upgrade = checkUpgrade(visit);
    if (upgrade.kind === "refused") return refusalAnswer(visit, upgrade.refusal);
    const carrier = upgrade.kind === "websocket" ? webSockets : proxy;
    const request: TunnelVisit = {
      visit,
      target,
      connection: {
        peer: visit.peer.hostname,
        scheme: visit.listeningSocket.scheme,
        host: visit.host ?? visit.authority,
      },
      again: () => this.#carry(request, hostname, carrier),
    };
    return request.again();
  }

  /**
   * Finds an upstream that admits the visit and forwards it there; called again when the tunnel has left that one. An
   * upstream that has lost the tunnel is not found again for a while, and the search has one time limit for all turns.
   * Most visits wait for nothing here, and a promise for each step would cost as much as the step.
   */
  #carry(request: TunnelVisit, hostname: string, carrier: Carrier): Answer | Promise<Answer> {
    const finding = this.#options.finder.acquire(hostname, request.visit.started);
    return finding instanceof Promise
      ? finding.then((found) => this.#admit(request, { hostname, carrier, found }))
      : this.#admit(request, { hostname, carrier, found: finding });
  }

  #admit(
    request: TunnelVisit,
    { hostname, carrier, found }: {
      readonly hostname: string;
      readonly carrier: Carrier;
      readonly found: Upstream | Unavailable;
    },
  ): Answer | Promise<Answer> {
    const { visit } = request;
    if (typeof found === "string") return this.#unavailable(request, hostname, found);
    const go = (refusal: VisitRefusal | null): Answer | Promise<Answer> =>
      refusal === null ? carrier.forward(request, found) : this.#refused(visit, refusal);
    const admitting = found.admit(visit);
    return admitting instanceof Promise ? admitting.then(go) : go(admitting);
  }

  #headRefused(visit: Visit, refusal: VisitRefusal): Answer {
    this.#options.metrics.limited.head.inc();
    return this.#refused(visit, refusal);
  }

  #refused(visit: Visit, refusal: VisitRefusal): Answer {
    visit.dropBody();
    return refusalAnswer(visit, refusal);
  }

  #unavailable({ visit, connection }: TunnelVisit, hostname: string, why: Unavailable): Answer {
    const shown = hostname === FIXED_HOSTNAME ? connection.host : hostname;
    switch (why) {
      case "unknown":
        return unknownTunnel(visit, shown);
      case "busy":
        return tooBusy(visit, TUNNEL_BUSY);
      case "away":
        return this.#options.isRestarting()
          ? tooBusy(
            visit,
            { code: "restart", reason: "this server is being restarted" },
          )
          : clientAway(visit, shown, { isAwaited: true });
      case "gone":
        return clientAway(visit, shown, { isAwaited: false });
    }
  }

  #own(visit: Visit, path: string): Answer | Promise<Answer> {
    const { pages, clientPort } = this.#options;
    if (path !== SUBSCRIBE_PATH) return pages.respond(visit, path);
    if (clientPort === null) return this.#subscribe(visit);
    return refusalAnswer(visit, {
      code: "client",
      status: 421,
      reason: `clients of this server connect to its port ${clientPort}`,
    });
  }

  #subscribe(visit: Visit): Answer {
    const { clientSessions } = this.#options;
    const upgrade = checkUpgrade(visit);
    if (upgrade.kind === "refused") return refusalAnswer(visit, upgrade.refusal);
    if (upgrade.kind === "none") {
      return refusalAnswer(visit, {
        code: "client",
        status: 426,
        reason: "clients of the tunnel connect here with a WebSocket",
        fields: UPGRADE_WANTED,
      });
    }
    const refusal = clientSessions.refusal(visit, upgrade.protocols);
    return refusal === null ? clientSessions.accept(visit) : refusalAnswer(visit, refusal);
  }
}
