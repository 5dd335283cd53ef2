import { Heartbeat } from "../tunnel/heartbeat.ts";
import { SUBSCRIBE_PATH } from "../tunnel/transport.ts";
import type { Log } from "../log.ts";
import { within } from "../within.ts";
import type { AddressSet } from "./address_set.ts";
import { isServed } from "./ask.ts";
import { clientAway, errorResponse, refused, tooBusy, unknownTunnel } from "./error_page.ts";
import { FieldList } from "./field_list.ts";
import { ForwardedFields } from "./forwarded.ts";
import { FIXED_HOSTNAME, parseAuthority, Router, splitTarget } from "./hostname.ts";
import { type Certificate, Listener } from "./listener.ts";
import { OwnPages } from "./own_pages.ts";
import { Proxy, type Visit } from "./proxy.ts";
import { Registry } from "./registry.ts";
import { ServerMetrics } from "./server_metrics.ts";
import { type Address, type ClientConnection, Subscriptions } from "./subscribe.ts";
import { checkUpgrade } from "./upgrade.ts";
import { WebSocketProxy } from "./websocket_proxy.ts";

export interface TunnelServerOptions {
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly domain: string;
  /** What visitors type; null for the domain and the port that is listened on. */
  readonly publicUrl: string | null;
  /** Milliseconds that an origin may take to its response head. */
  readonly timeout: number;
  readonly tls: Certificate | null;
  readonly trustProxy: AddressSet | null;
  readonly fixed: boolean;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly server: string;
  readonly log: Log;
}

/** Milliseconds that streams in flight may take to finish when the server stops. */
const DRAIN_TIMEOUT = 10_000;

/** Milliseconds after that for the last bytes to reach their visitors. */
const SHUTDOWN_TIMEOUT = 1_000;

/** Puts the parts of a server together and gives each public request to the one it is for. */
export class TunnelServer {
  /** The server's own URL. */
  readonly url: string;
  readonly #options: TunnelServerOptions;
  readonly #listener: Listener;
  readonly #router: Router;
  readonly #registry: Registry;
  readonly #metrics: ServerMetrics;
  readonly #subscriptions: Subscriptions;
  readonly #proxy: Proxy;
  readonly #webSockets: WebSocketProxy;
  readonly #pages: OwnPages;
  #stopping = false;
  #renewing = false;

  /** Starts to listen. @throws what `Deno.serve` throws when it cannot. */
  constructor(options: TunnelServerOptions) {
    this.#options = options;
    const { log } = options;
    this.#listener = new Listener({
      ...options,
      handler: (request, info) => this.#handle(request, info),
      onError: (error) => this.#failed(error),
    });
    this.url = options.publicUrl ?? this.#defaultUrl();
    this.#router = new Router({ ...options, publicUrl: this.url });
    this.#registry = new Registry(options);
    this.#metrics = new ServerMetrics(this.#registry);
    this.#subscriptions = new Subscriptions({
      registry: this.#registry,
      heartbeat: new Heartbeat(),
      metrics: this.#metrics,
      log,
      server: options.server,
      headTimeout: options.timeout,
      url: this.url,
      isAudience: (audience, connection) => this.#isAudience(audience, connection),
      addressOf: (id) => this.#addressOf(id),
    });
    const forwarded = new ForwardedFields(options);
    this.#proxy = new Proxy({ forwarded, headTimeout: options.timeout, log });
    this.#webSockets = new WebSocketProxy({ proxy: this.#proxy, metrics: this.#metrics });
    this.#pages = new OwnPages({
      metrics: this.#metrics,
      server: options.server,
      isReady: () => !this.#stopping && !this.#renewing,
      isServed: (askingUrl) =>
        isServed(askingUrl, { router: this.#router, registry: this.#registry }),
    });
  }

  /**
   * Stops: clients are asked to go, streams in flight finish, then everything is closed.
   *
   * The listener is shut last, because that closes the WebSockets which the streams need (B28).
   */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    await this.#sendAway();
    await within(SHUTDOWN_TIMEOUT, this.#listener.shutdown());
  }

  /**
   * Serves with another certificate: as a stop and a start in one process, so that clients come back by
   * themselves and what is in flight is finished before.
   *
   * @throws {Deno.errors.InvalidData} for a certificate that cannot be used, before anybody is sent away.
   */
  async renewCertificate(certificate: Certificate): Promise<void> {
    if (this.#stopping || this.#renewing) return;
    this.#renewing = true;
    try {
      await this.#listener.check(certificate);
      await this.#sendAway();
      this.#listener.renew(certificate);
      this.#subscriptions.reopen();
    } finally {
      this.#renewing = false;
    }
  }

  async #sendAway(): Promise<void> {
    await within(DRAIN_TIMEOUT, this.#subscriptions.drain());
    this.#subscriptions.close();
  }

  async #handle(request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>): Promise<Response> {
    const started = performance.now();
    const response = await this.#respond(request, info.remoteAddr.hostname);
    this.#metrics.answered(response.status, started);
    return response;
  }

  #respond(request: Request, peer: string): Response | Promise<Response> {
    const fields = new FieldList(request.headers);
    const host = fields.get("host");
    const route = this.#router.route({ method: request.method, url: request.url, host });
    if (route.kind === "refused") return refused(request, route.status, route.reason);
    if (route.kind === "own") {
      return this.#own(request, route.path, { address: peer, host: host ?? "" });
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
    const { request } = visit;
    const upgrade = checkUpgrade({ method: request.method, headers: visit.fields });
    if (upgrade.kind === "refused") {
      return refused(request, upgrade.status, upgrade.reason, upgrade.fields);
    }
    const shown = hostname === FIXED_HOSTNAME ? visit.connection.host : hostname;
    const session = this.#registry.select(hostname);
    if (session === "unknown") return unknownTunnel(request, shown);
    if (session === "away") {
      return this.#stopping || this.#renewing
        ? tooBusy(request, "this server is being restarted", 1)
        : clientAway(request, shown);
    }
    if (session === "busy") {
      return tooBusy(request, "this tunnel has as many requests as it can carry", 1);
    }
    return upgrade.kind === "websocket"
      ? this.#webSockets.forward(visit, session)
      : this.#proxy.forward(visit, session);
  }

  #own(request: Request, target: string, connection: ClientConnection): Response {
    const path = target.split("?", 1)[0] ?? target;
    if (path !== SUBSCRIBE_PATH) return this.#pages.respond(request, path);
    const upgrade = checkUpgrade(request);
    if (upgrade.kind === "refused") {
      return refused(request, upgrade.status, upgrade.reason, upgrade.fields);
    }
    if (upgrade.kind === "none") {
      return refused(request, 426, "clients of the tunnel connect here with a WebSocket", [
        ["upgrade", "websocket"],
      ]);
    }
    const refusal = this.#subscriptions.refusal(request, connection);
    if (refusal !== undefined) return refused(request, refusal.status, refusal.text);
    return this.#subscriptions.accept(request, connection);
  }

  #failed(error: unknown): Response {
    const reason = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#options.log.error("a request failed inside the server", { reason });
    const request = { method: "GET", headers: new Headers() };
    return errorResponse(
      request,
      500,
      "Internal error",
      "This server failed to handle the request.",
    );
  }

  #defaultUrl(): string {
    const { tls, domain } = this.#options;
    const scheme = tls === null ? "http" : "https";
    // URL drops a port that is the scheme's own.
    return new URL(`${scheme}://${domain}:${this.#listener.port}`).origin;
  }

  #addressOf(id: string): Address {
    if (this.#options.fixed) return { hostname: FIXED_HOSTNAME, url: this.url };
    const url = new URL(this.url);
    const hostname = `${id}.${this.#options.domain}`;
    url.hostname = hostname;
    return { hostname, url: url.origin };
  }

  /**
   * Accepts the public URL; and on this machine itself the loopback names, which nobody elsewhere can
   * have relayed: the peer, the Host field and the signed audience must all be local.
   */
  #isAudience(audience: string, { address, host }: ClientConnection): boolean {
    if (audience === this.url) return true;
    const name = parseAuthority(host)?.name ?? "";
    if (!isLoopback(address) || !LOOPBACK_NAMES.has(name)) return false;
    const scheme = this.#options.tls === null ? "http" : "https";
    return audience === new URL(`${scheme}://${host}`).origin;
  }
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}

/** Gives OPTIONS its asterisk-form back, which Deno shows as a path (B11; RFC 9112 section 3.2.4). */
function asteriskForm(method: string, target: string): string {
  return method === "OPTIONS" && target === "/*" ? "*" : target;
}
