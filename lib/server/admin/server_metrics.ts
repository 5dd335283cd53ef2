import { type Counter, type Family, type Histogram, Metrics } from "./metrics.ts";
import { type ObservedTunnels, SingleTunnelMetrics } from "./single_tunnel_metrics.ts";
import { ClusterMetrics } from "../cluster/cluster_metrics.ts";
import type { ConnectionEnd, ConnectionObserver } from "../listen/connection_bounds.ts";
import type { Outcome, RequestObserver, Visit } from "../listen/visit.ts";

/** Seconds; the last is the default head timeout. */
const LATENCIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts what is refused or cut because of a limit, or because the owner of a tunnel wants it so. */
export type RequestsLimited = Readonly<
  Record<
    | "address"
    | "auth"
    | "body"
    | "head"
    | "idle"
    | "message"
    | "rate"
    | "streams"
    | "visitor"
    | "websockets",
    Counter
  >
>;

/** What of the registry is counted when somebody looks. */
export interface CountedTunnels {
  /** Hostnames. */
  readonly size: number;
  upstreams(): Iterable<{ readonly session: { readonly load: number } }>;
}

/** What a server counts, under the names that /metrics shows. */
export class ServerMetrics implements RequestObserver, ConnectionObserver {
  readonly received: Counter;
  readonly sent: Counter;
  readonly refused: Family<Counter>;
  readonly latency: Histogram;
  readonly upgrades: Counter;
  readonly limited: RequestsLimited;
  readonly #metrics = new Metrics();
  readonly #classes: readonly Counter[];
  readonly #ended: Readonly<Record<ConnectionEnd, Counter>>;

  /** `open` returns how many connections visitors have, where the listener can tell. */
  constructor(registry: CountedTunnels, open: () => number = () => 0) {
    const metrics = this.#metrics;
    const requests = metrics.counter(
      "tunnel_requests_total",
      "Public requests by class of the status that they were answered with.",
      ["status"],
    );
    this.#classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].map((name) => requests.labels(name));
    this.latency = metrics.histogram(
      "tunnel_response_head_seconds",
      "Time from a public request to the head of its response.",
      LATENCIES,
    );
    this.upgrades = metrics.counter(
      "tunnel_websockets_total",
      "WebSockets of visitors that an origin accepted.",
    );
    this.limited = limitedBy(metrics.counter(
      "tunnel_requests_limited_total",
      "Requests and WebSockets that a limit or the tunnel's owner refused or cut, by what it was.",
      ["reason"],
    ));
    this.#ended = endedBy(metrics.counter(
      "tunnel_visitor_connections_ended_total",
      "Connections that the listener own ended, by what was wrong.",
      ["reason"],
    ));
    this.received = metrics.counter(
      "tunnel_received_bytes_total",
      "Bytes of frames that clients sent.",
    );
    this.sent = metrics.counter(
      "tunnel_sent_bytes_total",
      "Bytes of frames that were sent to clients.",
    );
    this.refused = metrics.counter(
      "tunnel_registrations_refused_total",
      "Registrations refused, by code.",
      ["code"],
    );
    metrics.gauge(
      "tunnel_visitor_connections",
      "Connections that visitors have at the listener own, WebSockets not counted.",
      open,
    );
    metrics.gauge("tunnel_tunnels", "Hostnames with a client.", () => registry.size);
    metrics.gauge("tunnel_connections", "Registered connections of clients.", () => {
      return [...registry.upstreams()].length;
    });
    metrics.gauge("tunnel_streams", "Streams that are open.", () => {
      let streams = 0;
      for (const { session } of registry.upstreams()) streams += session.load;
      return streams;
    });
  }

  finished(_visit: Visit, { status, headTime }: Outcome): void {
    this.#classes[Math.floor(status / 100) - 1]?.inc();
    this.latency.observe(headTime / 1000);
  }

  ended(why: ConnectionEnd): void {
    this.#ended[why].inc();
  }

  /** Counts what a node of several does as well. */
  forCluster(): ClusterMetrics {
    return new ClusterMetrics(this.#metrics);
  }

  /** Counts the visits of single tunnels as well, of so many at most. */
  forTunnels(tunnels: ObservedTunnels, most: number): SingleTunnelMetrics {
    return new SingleTunnelMetrics(this.#metrics, tunnels, most);
  }

  render(): string {
    return this.#metrics.render();
  }
}

/** Makes every counter at once, so that each is shown before anything was refused. */
function limitedBy(family: Family<Counter>): RequestsLimited {
  return {
    address: family.labels("address"),
    auth: family.labels("auth"),
    body: family.labels("body"),
    head: family.labels("head"),
    idle: family.labels("idle"),
    message: family.labels("message"),
    rate: family.labels("rate"),
    streams: family.labels("streams"),
    visitor: family.labels("visitor"),
    websockets: family.labels("websockets"),
  };
}

/** The same of connections. */
function endedBy(family: Family<Counter>): Record<ConnectionEnd, Counter> {
  return {
    head: family.labels("head"),
    idle: family.labels("idle"),
    stall: family.labels("stall"),
    malformed: family.labels("malformed"),
    network: family.labels("network"),
    full: family.labels("full"),
  };
}
