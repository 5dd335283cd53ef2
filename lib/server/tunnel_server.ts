import { Heartbeat } from "../mux/heartbeat.ts";
import type { SessionOptions } from "../mux/session.ts";
import { RegistrationPolicy } from "./access/registration_policy.ts";
import { AdminPort, openAdminPort } from "./admin/admin_port.ts";
import { isServed } from "./admin/ask.ts";
import { Cluster } from "./cluster/cluster.ts";
import { clientUrl, isAudience } from "./tunnels/audience.ts";
import type { AuthorizedKeys } from "./access/authorized_keys.ts";
import type { Listener } from "./listen/listener.ts";
import { type InFlight, Listeners } from "./listen/listeners.ts";
import type { ConnectionBounds } from "./listen/connection_bounds.ts";
import { openListener } from "./listen/open_listener.ts";
import { ForwardedFields } from "./proxy/forwarded.ts";
import { RequestHeads } from "./proxy/request_heads.ts";
import { FIXED_HOSTNAME, Router } from "./router.ts";
import { IdleWatch } from "./proxy/idle_watch.ts";
import { GuessQueue } from "./access/guess_queue.ts";
import { Limiter } from "./access/limiter.ts";
import type { Certificate } from "./tls/certificate_source.ts";
import { AccessLog } from "./admin/access_log.ts";
import type { Answer, RequestObserver, Visit } from "./listen/visit.ts";
import { MemoryBus } from "./bus/memory_bus.ts";
import { Names } from "./access/names.ts";
import { OwnRates } from "./access/own_rates.ts";
import { VisitorQuotas } from "./access/visitor_quotas.ts";
import { adminNameOf } from "./admin/admin_page.ts";
import { Operator } from "./admin/operator.ts";
import { OwnPages } from "./admin/own_pages.ts";
import { Proxy } from "./proxy/proxy.ts";
import { ClientCounts } from "./tunnels/client_counts.ts";
import { RefusalNotices } from "./tunnels/refusal_notices.ts";
import { Registry } from "./tunnels/registry.ts";
import { RequestHandler } from "./request_handler.ts";
import { ServerMetrics } from "./admin/server_metrics.ts";
import {
  completeOptions,
  type CompleteServerOptions,
  type TunnelServerOptions,
} from "./tunnel_server_options.ts";
import type { TunnelAddress } from "./tunnels/client_session.ts";
import { ClientSessions } from "./tunnels/client_sessions.ts";
import { TunnelVisitCounts } from "./admin/tunnel_visit_counts.ts";
import { UpstreamFinder } from "./tunnels/upstream_finder.ts";
import { WebSocketProxy } from "./proxy/websocket_proxy.ts";
import { WebSocketQuotas } from "./proxy/websocket_quotas.ts";

/**
 * A tunnel server in this process: it takes clients, and visitors for their tunnels.
 *
 * @example A server for a test
 * ```ts
 * await using server = new TunnelServer({ port: 0 });
 * await using tunnel = await serve({ server: server.url }, () => new Response("hello"));
 * ```
 */
export class TunnelServer implements AsyncDisposable {
  /** The server's own URL. */
  readonly url: string;
  /** Where clients connect, as a URL: the same, unless they have a port of their own. */
  readonly clientUrl: string;
  readonly #options: CompleteServerOptions;
  readonly #listeners: Listeners;
  readonly #router: Router;
  readonly #registry: Registry;
  readonly #notices: RefusalNotices;
  readonly #clientCounts: ClientCounts;
  readonly #registrationPolicy: RegistrationPolicy;
  readonly #clientSessions: ClientSessions;
  readonly #cluster: Cluster | null;
  readonly #requests: RequestHandler;
  readonly #operator: Operator;
  readonly #adminPort: Listener | null;
  readonly #inFlight: InFlight;
  #stopping = false;
  #renewing = false;

  /**
   * Starts to listen.
   *
   * @throws {OptionError} for an option that is wrong.
   * @throws {ListenError} when it cannot listen.
   */
  constructor(given: TunnelServerOptions = {}) {
    const options = completeOptions(given);
    this.#options = options;
    const { log, accessLog } = options;
    this.#registry = new Registry(options);
    const metrics = new ServerMetrics(this.#registry, () => this.#listeners.open);
    this.#notices = new RefusalNotices({
      upstreamsOf: (hostname) => this.#registry.upstreamsOf(hostname),
      tellElsewhere: options.bus === null ? null : (notice) => void this.#cluster?.tell(notice),
    });
    this.#clientCounts = new ClientCounts({
      upstreamsOf: (hostname) => this.#registry.upstreamsOf(hostname),
    });
    const visits = new TunnelVisitCounts(this.#registry);
    const observers: RequestObserver[] = [metrics, this.#notices, visits];
    if (options.metricsTunnels > 0) {
      observers.push(metrics.forTunnels(this.#registry, options.metricsTunnels));
    }
    const failed = (visit: Visit, error: unknown): Answer => this.#requests.failed(visit, error);
    this.#listeners = new Listeners({
      ...options,
      listen: openListener(options.listener),
      bounds: boundsOf(options),
      connections: metrics,
      visitors: { handle: (visit) => this.#requests.handle(visit), failed },
      clients: { handle: (visit) => this.#requests.handleClient(visit), failed },
      observers: accessLog === null ? observers : [...observers, new AccessLog(accessLog)],
    });
    this.url = options.publicUrl ?? this.#defaultUrl();
    const { port, clientPort } = this.#listeners;
    const own = { url: this.url, port, clientPort, isSecure: options.tls !== null };
    this.clientUrl = clientUrl(own);
    if (clientPort !== null) {
      log.info("clients connect to a port of their own", { port: clientPort });
    }
    const adminName = adminNameOf(options, this.url);
    this.#router = new Router({ ...options, publicUrl: this.url, adminName });
    const { limited } = metrics;
    this.#registrationPolicy = new RegistrationPolicy({
      token: options.token,
      keys: options.authorizedKeys,
      registrations: options.registrationRate,
      denyList: options.denyList,
      names: new Names({
        bus: options.bus ?? new MemoryBus(),
        onLost: (name, owner) => this.#dropName(name, owner),
      }),
      whyNoName: (name) => this.#whyNoName(name),
    });
    const sessions: SessionOptions = {
      heartbeat: new Heartbeat(),
      headTimeout: options.timeout,
      streamIds: options.streamIds,
    };
    this.#clientSessions = new ClientSessions({
      ...sessions,
      registry: this.#registry,
      registrationPolicy: this.#registrationPolicy,
      tunnelLimits: {
        requests: limiterOf(options),
        ownRates: new OwnRates({ most: options.maxTunnels }),
        streams: options.maxStreams,
        visitors: new VisitorQuotas(options.maxStreams, options.maxVisitorStreams),
        guesses: new GuessQueue(),
        limited,
      },
      clientCounts: this.#clientCounts,
      metrics,
      log,
      server: options.server,
      url: this.clientUrl,
      isAudience: (audience, connection) => isAudience(audience, connection, own),
      addressOf: (label) => this.#addressOf(label),
    });
    this.#cluster = options.bus === null ? null : new Cluster({
      ...sessions,
      notices: this.#notices,
      bus: options.bus,
      nodeUrl: options.nodeUrl,
      registry: this.#registry,
      findTimeout: options.acquireTimeout,
      metrics: metrics.forCluster(),
      log,
    });
    this.#operator = new Operator({
      ...options,
      registry: this.#registry,
      registrationPolicy: this.#registrationPolicy,
      metrics,
      visits,
      origin: adminName === null ? null : this.#originOf(adminName),
      node: this.node,
    });
    const finder = new UpstreamFinder({
      registry: this.#registry,
      elsewhere: this.#cluster,
      acquireTimeout: options.acquireTimeout,
      isStopping: () => this.#stopping,
    });
    const forwarded = new ForwardedFields(options);
    const heads = new RequestHeads(forwarded);
    const bodies = { most: options.maxBody, idle: new IdleWatch(options.bodyTimeout), limited };
    const proxy = new Proxy({ heads, bodies, log });
    const quotas = new WebSocketQuotas(options);
    const webSockets = new WebSocketProxy({
      proxy,
      heads,
      metrics,
      maxMessage: options.maxMessage,
      idleTimeout: options.websocketIdleTimeout,
      quotas,
    });
    this.#inFlight = {
      clientSessions: this.#clientSessions,
      fragile: () => quotas.count + bodies.idle.size,
      leaveNodes: async () => {
        await this.#cluster?.leave();
        await this.#cluster?.drain();
      },
      moveNodes: async (time) => await this.#cluster?.move(time),
      drainTimeout: options.drainTimeout,
    };
    const pages = new OwnPages({
      server: options.server,
      clientUrl: this.clientUrl,
      needsToken: options.token !== null,
      isReady: () => !this.#isRestarting,
      isServed: (target) =>
        isServed(target, {
          router: this.#router,
          registry: this.#registry,
          elsewhere: this.#cluster,
        }),
      isBusUp: () => this.#cluster?.isUp ?? true,
      operators: this.#operator.pages,
    });
    this.#requests = new RequestHandler({
      router: this.#router,
      finder,
      cluster: this.#cluster,
      forwarded,
      proxy,
      webSockets,
      pages,
      clientSessions: this.#clientSessions,
      clientPort,
      metrics,
      maxHead: options.maxHead,
      isRestarting: () => this.#isRestarting,
      log,
    });
    this.#adminPort = this.#openAdminPort(new AdminPort(pages, failed));
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listeners.port;
  }

  /** This node's id; null for a server that is alone. */
  get node(): string | null {
    return this.#cluster?.node ?? null;
  }

  get #isRestarting(): boolean {
    // Where ports are shared, what is renewed takes the place of the old unnoticed.
    return this.#stopping || (this.#renewing && !this.#options.reusePort);
  }

  /** Stops: clients are asked to go, what is in flight finishes within the drain timeout, then everything is closed. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    await this.#listeners.shut(this.#inFlight);
    this.#notices.close();
    this.#clientCounts.close();
    await this.#operator.close();
    await this.#cluster?.close();
    await this.#options.bus?.close();
    await this.#clientSessions.settled();
    await this.#adminPort?.shutdown();
  }

  /** Stops as `shutdown` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /**
   * Serves with another certificate; clients come back by themselves.
   *
   * @throws {Deno.errors.InvalidData} for a certificate that cannot be used, before a client is sent away.
   */
  async renewCertificate(certificate: Certificate): Promise<void> {
    if (this.#stopping || this.#renewing) return;
    this.#renewing = true;
    try {
      await this.#listeners.renew(certificate, this.#inFlight);
    } finally {
      this.#renewing = false;
    }
  }

  /** Takes another list of keys, ends the sessions of those that are not in it, and returns how many these were. */
  authorize(keys: AuthorizedKeys): number {
    return this.#operator.authorize(keys);
  }

  /** Opens the port for operators; null for a server that has none. @throws {ListenError} and nothing is open then. */
  #openAdminPort(handler: AdminPort): Listener | null {
    const { adminPort: port, ...options } = this.#options;
    if (port === null) return null;
    try {
      return openAdminPort({ ...options, listen: openListener(options.listener), port, handler });
    } catch (error) {
      void this.#listeners.shut(this.#inFlight);
      throw error;
    }
  }

  /** The loser of a name goes on under its id. */
  #dropName(name: string, owner: string): void {
    const upstreams = [...this.#registry.upstreams()]
      .filter((upstream) => upstream.name === name && upstream.thumbprint === owner);
    for (const upstream of upstreams) this.#registry.dropName(upstream);
    this.#options.log.warn("a name in use belongs to another key now", { name, lostBy: owner });
  }

  #whyNoName(name: string): string | null {
    if (this.#options.fixed) return "this server has one hostname for all (--fixed)";
    const host = `${name}.${this.#options.domain}`;
    const asked = { method: "GET", scheme: "http", authority: host, target: "/", host };
    const { kind } = this.#router.route(asked);
    if (kind === "admin") return `${host} is the page of this server's operator`;
    return kind === "tunnel" ? null : `${host} is the server itself`;
  }

  #defaultUrl(): string {
    const { tls, domain } = this.#options;
    const scheme = tls === null ? "http" : "https";
    // URL drops a port that is the scheme's own.
    return new URL(`${scheme}://${domain}:${this.#listeners.port}`).origin;
  }

  #addressOf(label: string): TunnelAddress {
    if (this.#options.fixed) return { hostname: FIXED_HOSTNAME, url: this.url };
    const hostname = `${label}.${this.#options.domain}`;
    return { hostname, url: this.#originOf(hostname) };
  }

  #originOf(hostname: string): string {
    const url = new URL(this.url);
    url.hostname = hostname;
    return url.origin;
  }
}

function limiterOf({ rateLimit, maxTunnels }: CompleteServerOptions): Limiter | null {
  return rateLimit === null ? null : new Limiter(rateLimit, { most: maxTunnels });
}

function boundsOf(
  { trustProxy, maxOpenConnections, maxVisitorConnections, ...timeouts }: CompleteServerOptions,
): ConnectionBounds {
  const { headTimeout, keepaliveTimeout, stallTimeout } = timeouts;
  return {
    headTimeout,
    keepaliveTimeout,
    stallTimeout,
    most: maxOpenConnections,
    mostPerNetwork: maxVisitorConnections,
    isProxy: (address) => trustProxy?.has(address) ?? false,
  };
}
