import { SUBSCRIBE_PATH } from "../wire/messages.ts";
import type { Log } from "../cli/log.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { clientAway, errorResponse, refused, tooBusy, unknownTunnel } from "./proxy/error_page.ts";
import { FieldList } from "./proxy/field_list.ts";
import type { ForwardedFields } from "./proxy/forwarded.ts";
import { FIXED_HOSTNAME, type Router, splitTarget } from "./router.ts";
import { headSize, headTooLong, MAX_HEAD } from "./proxy/head_size.ts";
import type { Fate, Peer } from "./listen/serve_listener.ts";
import { ClientUpstream } from "./tunnels/client_upstream.ts";
import type { OwnPages } from "./admin/own_pages.ts";
import type { Proxy } from "./proxy/proxy.ts";
import type { Visit } from "./listen/visit.ts";
import type { ServerMetrics } from "./admin/server_metrics.ts";
import type { ClientConnection, ClientSessions } from "./tunnels/client_sessions.ts";
import { dropBody } from "./proxy/unwanted_body.ts";
import { RemoteUpstream } from "./cluster/remote_upstream.ts";
import { MovedError, type Refusal, type Unavailable, type Upstream } from "./tunnels/upstream.ts";
import { checkUpgrade } from "./proxy/upgrade.ts";
import type { UpstreamFinder } from "./tunnels/upstream_finder.ts";
import type { WebSocketProxy } from "./proxy/websocket_proxy.ts";

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

/** A request for a tunnel, for which an upstream is looked for. */
interface Search {
  readonly visit: Visit;
  readonly hostname: string;
  readonly isWebSocket: boolean;
  /** When that began, by `performance.now()`. */
  readonly since: number;
  /** Whether a client was found already, and left before it got the request. */
  readonly isSecond: boolean;
}

/** Seconds after which a request that found no client may be tried again. */
const RETRY_AFTER = 1;

/** Gives each public request to the one it is for: the server's own pages, a client that subscribes, or a tunnel. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  /** Answers a visitor's request; `peer` is the end that it came from, `fate` that of the socket that it came by. */
  async handle(request: Request, peer: Peer, fate: Fate): Promise<Response> {
    const started = performance.now();
    const response = await this.#respond(request, peer, fate);
    if (fate.isShut) sayLast(request, response);
    this.#options.metrics.answered(response.status, started);
    return response;
  }

  /** Answers a request on the port of the clients, where only they and other nodes are served, by whatever name they ask. */
  handleClient(
    request: Request,
    peer: Peer,
    fate: Fate,
  ): Response | Promise<Response> {
    const { forwarded, cluster } = this.#options;
    const fields = new FieldList(request.headers);
    const host = fields.get("host");
    const notThere = "only clients connect here";
    if (cluster?.isFromNode(request.url, host)) return this.#fromNode(request, fate, notThere);
    if (pathOf(splitTarget(request.url).target) !== SUBSCRIBE_PATH) {
      return refused(request, 404, notThere);
    }
    const address = forwarded.clientAddress(fields.list, peer.hostname);
    const { isRetired } = fate;
    return this.#subscribe(request, { address, host: host ?? "", isRetired });
  }

  /** Answers for a request that failed by a mistake of the server's own. */
  failed(error: unknown): Response {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#options.log.error("a request failed inside the server", { reason });
    const request = { method: "GET", headers: new Headers() };
    const text = "This server failed to handle the request.";
    return errorResponse(request, 500, "Internal error", text);
  }

  #respond(request: Request, peer: Peer, fate: Fate): Response | Promise<Response> {
    const fields = new FieldList(request.headers);
    const host = fields.get("host");
    if (this.#options.cluster?.isFromNode(request.url, host)) return this.#fromNode(request, fate);
    const url = splitTarget(request.url);
    const route = this.#options.router.route({ method: request.method, url, host });
    if (route.kind === "refused") return refused(request, route.status, route.reason);
    if (route.kind === "own") {
      const address = this.#options.forwarded.clientAddress(fields.list, peer.hostname);
      const { isRetired } = fate;
      return this.#own(request, route.path, { address, host: host ?? "", isRetired });
    }
    const visit: Visit = {
      request,
      fields,
      port: peer.port,
      address: this.#options.forwarded.clientAddress(fields.list, peer.hostname),
      target: asteriskForm(request.method, route.target),
      connection: {
        peer: peer.hostname,
        scheme: url.scheme === "https" ? "https" : "http",
        host: host ?? url.authority,
      },
    };
    return this.#visit(visit, route.hostname);
  }

  /** Lets another node in, and answers 404 to everyone else. */
  async #fromNode(
    request: Request,
    fate: Fate,
    notThere = "there is no such page on this server",
  ): Promise<Response> {
    const response = await this.#options.cluster?.accept(request, fate);
    return response ?? refused(request, 404, notThere);
  }

  #visit(visit: Visit, hostname: string): Response | Promise<Response> {
    const { maxHead, metrics } = this.#options;
    // Deno itself refuses heads above the default.
    if (maxHead < MAX_HEAD && headSize(visit.target, visit.fields.list) > maxHead) {
      metrics.limited.head.inc();
      return this.#refused(visit, headTooLong(maxHead));
    }
    const upgrade = checkUpgrade({ method: visit.request.method, headers: visit.fields });
    if (upgrade.kind === "refused") {
      return refused(visit.request, upgrade.status, upgrade.reason, upgrade.fields);
    }
    const isWebSocket = upgrade.kind === "websocket";
    const since = performance.now();
    return this.#acquire({ visit, hostname, isWebSocket, since, isSecond: false });
  }

  /** Finds an upstream and sends the request there. */
  #acquire(search: Search): Response | Promise<Response> {
    const found = this.#options.finder.acquire(search.hostname, search.since);
    const go = (found: Upstream | Unavailable): Response | Promise<Response> => {
      const response = this.#found(search, found);
      if (!(found instanceof RemoteUpstream) || !(response instanceof Promise)) return response;
      // It was there a moment ago: a search that goes on as long as any other finds where it is now.
      return response.catch((error) => {
        if (!(error instanceof MovedError)) throw error;
        return this.#acquire(search);
      });
    };
    return found instanceof Promise ? found.then(go) : go(found);
  }

  #found(search: Search, found: Upstream | Unavailable): Response | Promise<Response> {
    const { visit, hostname } = search;
    if (typeof found === "string") return this.#unavailable(visit, hostname, found);
    const refusal = found.admit({ address: visit.address, fields: visit.fields.list });
    if (refusal === null) return this.#forward(search, found);
    if (!(refusal instanceof Promise)) return this.#refused(visit, refusal);
    return refusal.then((refusal) =>
      refusal === null ? this.#admitted(search, found) : this.#refused(visit, refusal)
    );
  }

  /** Sends a request on that took a while to be let through: a client that has left meanwhile is looked for once more. */
  #admitted(search: Search, found: Upstream): Response | Promise<Response> {
    const hasLeft = found instanceof ClientUpstream && !found.session.usable;
    if (!hasLeft) return this.#forward(search, found);
    if (!search.isSecond) return this.#acquire({ ...search, isSecond: true });
    return this.#unavailable(search.visit, search.hostname, found.session.full ? "busy" : "away");
  }

  #refused({ request, fields }: Visit, refusal: Refusal): Response {
    dropBody(request, fields);
    return refused(request, refusal.status, refusal.reason, refusal.fields);
  }

  #forward({ visit, isWebSocket }: Search, upstream: Upstream): Promise<Response> {
    const { proxy, webSockets } = this.#options;
    return isWebSocket ? webSockets.forward(visit, upstream) : proxy.forward(visit, upstream);
  }

  #unavailable({ request, connection }: Visit, hostname: string, why: Unavailable): Response {
    const shown = hostname === FIXED_HOSTNAME ? connection.host : hostname;
    switch (why) {
      case "unknown":
        return unknownTunnel(request, shown);
      case "busy":
        return tooBusy(request, "this tunnel has as many requests as it can carry", RETRY_AFTER);
      case "away":
        return this.#options.isRestarting()
          ? tooBusy(request, "this server is being restarted", RETRY_AFTER)
          : clientAway(request, shown);
    }
  }

  #own(
    request: Request,
    target: string,
    connection: ClientConnection,
  ): Response | Promise<Response> {
    const { pages, clientPort } = this.#options;
    const path = pathOf(target);
    if (path !== SUBSCRIBE_PATH) {
      return pages.respond(request, path, connection.address);
    }
    if (clientPort !== null) {
      return refused(request, 421, `clients of this server connect to its port ${clientPort}`);
    }
    return this.#subscribe(request, connection);
  }

  #subscribe(request: Request, connection: ClientConnection): Response {
    const { clientSessions } = this.#options;
    const upgrade = checkUpgrade(request);
    if (upgrade.kind === "refused") {
      return refused(request, upgrade.status, upgrade.reason, upgrade.fields);
    }
    if (upgrade.kind === "none") {
      return refused(request, 426, "clients of the tunnel connect here with a WebSocket", [
        ["upgrade", "websocket"],
      ]);
    }
    const refusal = clientSessions.refusal(request, connection);
    if (refusal !== undefined) return refused(request, refusal.status, refusal.text);
    return clientSessions.accept(request, connection);
  }
}

/** Gives OPTIONS its asterisk-form back, which `Deno.serve` shows as the path `/*` (RFC 9112 section 3.2.4). */
function asteriskForm(method: string, target: string): string {
  return method === "OPTIONS" && target === "/*" ? "*" : target;
}

function pathOf(target: string): string {
  return target.split("?", 1)[0] ?? target;
}

/** Tells a visitor that its connection ends with this answer, which Deno does not by itself; HTTP/2 has a frame for that. */
function sayLast(request: Request, response: Response): void {
  const isHTTP2 = !request.headers.has("host");
  if (!isHTTP2 && response.status !== 101) response.headers.set("connection", "close");
}
