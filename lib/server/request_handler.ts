import { SUBSCRIBE_PATH } from "../tunnel/transport.ts";
import type { Log } from "../log.ts";
import { clientAway, errorResponse, refused, tooBusy, unknownTunnel } from "./error_page.ts";
import { FieldList } from "./field_list.ts";
import type { ForwardedFields } from "./forwarded.ts";
import { FIXED_HOSTNAME, type Router, splitTarget } from "./hostname.ts";
import type { OwnPages } from "./own_pages.ts";
import type { Proxy, Visit } from "./proxy.ts";
import type { ServerMetrics } from "./server_metrics.ts";
import type { ClientConnection, Subscriptions } from "./subscribe.ts";
import type { Unavailable, Upstream } from "./upstream.ts";
import { checkUpgrade } from "./upgrade.ts";
import type { Upstreams } from "./upstreams.ts";
import type { WebSocketProxy } from "./websocket_proxy.ts";

export interface RequestHandlerOptions {
  readonly router: Router;
  readonly upstreams: Upstreams;
  readonly forwarded: ForwardedFields;
  readonly proxy: Proxy;
  readonly webSockets: WebSocketProxy;
  readonly pages: OwnPages;
  readonly subscriptions: Subscriptions;
  readonly metrics: ServerMetrics;
  /** Whether clients are on their way elsewhere, or back. */
  readonly isRestarting: () => boolean;
  readonly log: Log;
}

/** Seconds after which a request that found no client may be tried again. */
const RETRY_AFTER = 1;

/** Gives each public request to the one it is for: the server's own pages, a client that subscribes, or a tunnel. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  /** Answers a request; `peer` is the address that it came from. */
  async handle(request: Request, peer: string): Promise<Response> {
    const started = performance.now();
    const response = await this.#respond(request, peer);
    this.#options.metrics.answered(response.status, started);
    return response;
  }

  /** Answers for a request that failed by a mistake of the server's own. */
  failed(error: unknown): Response {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#options.log.error("a request failed inside the server", { reason });
    const request = { method: "GET", headers: new Headers() };
    const text = "This server failed to handle the request.";
    return errorResponse(request, 500, "Internal error", text);
  }

  #respond(request: Request, peer: string): Response | Promise<Response> {
    const fields = new FieldList(request.headers);
    const host = fields.get("host");
    const route = this.#options.router.route({ method: request.method, url: request.url, host });
    if (route.kind === "refused") return refused(request, route.status, route.reason);
    if (route.kind === "own") {
      const address = this.#options.forwarded.clientAddress(fields.list, peer);
      return this.#own(request, route.path, { address, host: host ?? "" });
    }
    const { scheme, authority } = splitTarget(request.url);
    const visit: Visit = {
      request,
      fields,
      target: asteriskForm(request.method, route.target),
      connection: {
        peer,
        scheme: scheme === "https" ? "https" : "http",
        host: host ?? authority,
      },
    };
    return this.#visit(visit, route.hostname);
  }

  #visit(visit: Visit, hostname: string): Response | Promise<Response> {
    const upgrade = checkUpgrade({ method: visit.request.method, headers: visit.fields });
    if (upgrade.kind === "refused") {
      return refused(visit.request, upgrade.status, upgrade.reason, upgrade.fields);
    }
    const isWebSocket = upgrade.kind === "websocket";
    const found = this.#options.upstreams.acquire(hostname);
    return found instanceof Promise
      ? found.then((found) => this.#found(visit, hostname, found, isWebSocket))
      : this.#found(visit, hostname, found, isWebSocket);
  }

  #found(
    visit: Visit,
    hostname: string,
    found: Upstream | Unavailable,
    isWebSocket: boolean,
  ): Response | Promise<Response> {
    if (typeof found === "string") return this.#unavailable(visit, hostname, found);
    const { forwarded } = this.#options;
    const address = forwarded.clientAddress(visit.fields.list, visit.connection.peer);
    const refusal = found.admit({ address, fields: visit.fields.list });
    if (refusal === null) return this.#forward(visit, found, isWebSocket);
    if (!(refusal instanceof Promise)) {
      return refused(visit.request, refusal.status, refusal.reason, refusal.fields);
    }
    return refusal.then((refusal) =>
      refusal === null
        ? this.#forward(visit, found, isWebSocket)
        : refused(visit.request, refusal.status, refusal.reason, refusal.fields)
    );
  }

  #forward(visit: Visit, upstream: Upstream, isWebSocket: boolean): Promise<Response> {
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
    const { pages, subscriptions, forwarded } = this.#options;
    const path = target.split("?", 1)[0] ?? target;
    if (path !== SUBSCRIBE_PATH) {
      const { list } = new FieldList(request.headers);
      return pages.respond(request, path, forwarded.clientAddress(list, connection.address));
    }
    const upgrade = checkUpgrade(request);
    if (upgrade.kind === "refused") {
      return refused(request, upgrade.status, upgrade.reason, upgrade.fields);
    }
    if (upgrade.kind === "none") {
      return refused(request, 426, "clients of the tunnel connect here with a WebSocket", [
        ["upgrade", "websocket"],
      ]);
    }
    const refusal = subscriptions.refusal(request, connection);
    if (refusal !== undefined) return refused(request, refusal.status, refusal.text);
    return subscriptions.accept(request, connection);
  }
}

/** Gives OPTIONS its asterisk-form back, which Deno shows as a path (B11; RFC 9112 section 3.2.4). */
function asteriskForm(method: string, target: string): string {
  return method === "OPTIONS" && target === "/*" ? "*" : target;
}
