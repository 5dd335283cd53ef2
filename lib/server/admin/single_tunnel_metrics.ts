import type { Outcome, RequestObserver, Visit } from "../listen/visit.ts";
import type { Metrics } from "./metrics.ts";

/** What of the registry is looked at. */
export interface ObservedTunnels {
  upstreamsOf(hostname: string): readonly {
    readonly id: string;
    readonly name: string;
    readonly hostnames: readonly string[];
  }[];
  /** Returns the streams that a hostname has open. */
  load(hostname: string): number;
  observe(observer: TunnelObserver): void;
}

/** Is told which hostnames come and go. */
export interface TunnelObserver {
  onJoined(hostname: string): void;
  onGone(hostname: string): void;
}

/** What is counted of one tunnel, or of all that have no line of their own. */
interface Counts {
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
  /** It only grows, whoever comes and goes. */
  readonly #other: Counts = { requests: 0, refused: 0 };
  readonly #most: number;

  /** `most` is how many tunnels have lines of their own. */
  constructor(metrics: Metrics, tunnels: ObservedTunnels, most: number) {
    this.#tunnels = tunnels;
    this.#most = most;
    tunnels.observe({
      onJoined: (hostname) => this.#add(hostname),
      onGone: (hostname) => void this.#named.delete(hostname),
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
    const [upstream] = this.#tunnels.upstreamsOf(hostname);
    if (upstream === undefined || upstream.hostnames[0] !== hostname) return;
    if (this.#named.size >= this.#most || this.#named.has(hostname)) return;
    const { id, name } = upstream;
    this.#named.set(hostname, { id, name, requests: 0, refused: 0 });
  }

  /** Returns the hostname that the id of a tunnel makes, whichever of its hostnames was asked for. */
  #ownHostname(hostname: string): string {
    return this.#tunnels.upstreamsOf(hostname)[0]?.hostnames[0] ?? hostname;
  }

  *#lines(read: (counts: Counts) => number): Generator<readonly [readonly string[], number]> {
    for (const counts of this.#named.values()) yield [[counts.id, counts.name], read(counts)];
    yield [OTHER, read(this.#other)];
  }

  *#loads(): Generator<readonly [readonly string[], number]> {
    for (const [hostname, { id, name }] of this.#named) {
      yield [[id, name], this.#tunnels.load(hostname)];
    }
  }
}

const OTHER: readonly string[] = ["other", ""];
