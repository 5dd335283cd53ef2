import type { Outcome, RequestObserver, Visit } from "../listen/visit.ts";
import type { Metrics } from "./metrics.ts";
import type { Traffic } from "./operator_view.ts";

/** What of a connection is looked at. */
export interface ObservedUpstream extends Readonly<Traffic> {
  readonly id: string;
  readonly name: string;
  readonly hostnames: readonly string[];
}

/** What of the registry is looked at. */
export interface ObservedTunnels {
  upstreams(): Iterable<ObservedUpstream>;
  upstreamsOf(hostname: string): readonly ObservedUpstream[];
  /** Returns the streams that a hostname has open. */
  load(hostname: string): number;
  observe(observer: TunnelObserver): void;
}

/** Is told which hostnames come and go, and of a connection before it goes. */
export interface TunnelObserver {
  onJoined(hostname: string): void;
  onGone(hostname: string): void;
  onLeaving(upstream: ObservedUpstream): void;
}

/**
 * What is counted of one tunnel, or of all that have no line of their own. The bytes are those of connections that are
 * over: an open one counts its own, for that is done with each message.
 */
interface Counts extends Traffic {
  requests: number;
  refused: number;
}

interface NamedCounts extends Counts {
  readonly id: string;
  readonly name: string;
}

const LABELS = ["tunnel", "name"] as const;

/**
 * Counts the visits of single tunnels for /metrics: of so many at once, those that came first, and of the others together
 * as "other". A tunnel's line ends with its last connection, and the next that comes may have the place.
 */
export class SingleTunnelMetrics implements RequestObserver {
  readonly #tunnels: ObservedTunnels;
  /** By the hostname that a tunnel's id makes. */
  readonly #named = new Map<string, NamedCounts>();
  /** It only grows, whichever tunnels come and go. */
  readonly #other: Counts = { requests: 0, refused: 0, received: 0, sent: 0 };
  readonly #most: number;

  /** `most` is how many tunnels have lines of their own. */
  constructor(metrics: Metrics, tunnels: ObservedTunnels, most: number) {
    this.#tunnels = tunnels;
    this.#most = most;
    tunnels.observe({
      onJoined: (hostname) => this.#add(hostname),
      onGone: (hostname) => void this.#named.delete(hostname),
      onLeaving: (upstream) => addTraffic(this.#countsOf(upstream), upstream),
    });
    metrics.computed(
      { name: "tunnel_single_requests_total", type: "counter", labelNames: LABELS },
      "Public requests to single tunnels, with --metrics-tunnels.",
      () => this.#lines(({ requests }) => requests),
    );
    metrics.computed(
      { name: "tunnel_single_requests_refused_total", type: "counter", labelNames: LABELS },
      "Of these, the ones that the server answered in the place of the service.",
      () => this.#lines(({ refused }) => refused),
    );
    metrics.computed(
      { name: "tunnel_single_received_bytes_total", type: "counter", labelNames: LABELS },
      "Bytes of frames that the clients of single tunnels sent.",
      () => this.#bytes("received"),
    );
    metrics.computed(
      { name: "tunnel_single_sent_bytes_total", type: "counter", labelNames: LABELS },
      "Bytes of frames that were sent to the clients of single tunnels.",
      () => this.#bytes("sent"),
    );
    metrics.computed(
      { name: "tunnel_single_streams", type: "gauge", labelNames: LABELS },
      "Streams of single tunnels that are open, with --metrics-tunnels.",
      () => this.#loads(),
    );
  }

  finished({ tunnel }: Pick<Visit, "tunnel">, { code }: Pick<Outcome, "code">): void {
    if (tunnel === null) return;
    const counts = this.#named.get(this.#ownHostname(tunnel)) ?? this.#other;
    counts.requests++;
    if (code !== null) counts.refused++;
  }

  #add(hostname: string): void {
    const upstreams = this.#tunnels.upstreamsOf(hostname);
    const [upstream] = upstreams;
    if (upstream === undefined || upstream.hostnames[0] !== hostname) return;
    if (this.#named.size >= this.#most || this.#named.has(hostname)) return;
    const { id, name } = upstream;
    const counts = { id, name, requests: 0, refused: 0, received: 0, sent: 0 };
    // What its connections have carried until now was counted as that of others, and no counter may fall.
    for (const { received, sent } of upstreams) {
      addTraffic(this.#other, { received, sent });
      addTraffic(counts, { received: -received, sent: -sent });
    }
    this.#named.set(hostname, counts);
  }

  #countsOf({ hostnames: [hostname = ""] }: ObservedUpstream): Counts {
    return this.#named.get(hostname) ?? this.#other;
  }

  /** Returns the hostname that the id of a tunnel makes, whichever of its hostnames was asked for. */
  #ownHostname(hostname: string): string {
    return this.#tunnels.upstreamsOf(hostname)[0]?.hostnames[0] ?? hostname;
  }

  *#lines(read: (counts: Counts) => number): Generator<readonly [readonly string[], number]> {
    for (const counts of this.#named.values()) yield [[counts.id, counts.name], read(counts)];
    yield [OTHER, read(this.#other)];
  }

  *#bytes(way: keyof Traffic): Generator<readonly [readonly string[], number]> {
    const open = new Map<Counts, number>();
    for (const upstream of this.#tunnels.upstreams()) {
      const counts = this.#countsOf(upstream);
      open.set(counts, (open.get(counts) ?? 0) + upstream[way]);
    }
    yield* this.#lines((counts) => counts[way] + (open.get(counts) ?? 0));
  }

  *#loads(): Generator<readonly [readonly string[], number]> {
    for (const [hostname, { id, name }] of this.#named) {
      yield [[id, name], this.#tunnels.load(hostname)];
    }
  }
}

function addTraffic(counts: Counts, { received, sent }: Readonly<Traffic>): void {
  counts.received += received;
  counts.sent += sent;
}

const OTHER: readonly string[] = ["other", ""];
