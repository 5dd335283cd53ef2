import type { Outcome, RequestObserver, Visit } from "../listen/visit.ts";
import type { Registry } from "../tunnels/registry.ts";
import type { TunnelVisits } from "./operator_view.ts";

/** Counts the visits to each tunnel of this node, as long as it has a client here. */
export class TunnelVisitCounts implements RequestObserver {
  readonly #registry: Registry;
  /** By the hostname that the tunnel's id makes: as many at most as are registered. */
  readonly #counts = new Map<string, { requests: number; refused: number }>();

  constructor(registry: Registry) {
    this.#registry = registry;
    registry.observe({
      onJoined: () => {},
      onGone: (hostname) => void this.#counts.delete(hostname),
    });
  }

  finished({ tunnel }: Visit, { code }: Outcome): void {
    if (tunnel === null) return;
    const [upstream] = this.#registry.upstreamsOf(tunnel);
    if (upstream === undefined) return;
    const [hostname = ""] = upstream.hostnames;
    let counts = this.#counts.get(hostname);
    if (counts === undefined) {
      counts = { requests: 0, refused: 0 };
      this.#counts.set(hostname, counts);
    }
    counts.requests++;
    if (code !== null) counts.refused++;
  }

  /** Returns what was counted for the tunnel whose id makes that hostname. */
  of(hostname: string): TunnelVisits {
    return this.#counts.get(hostname) ?? NONE;
  }
}

const NONE: TunnelVisits = { requests: 0, refused: 0 };
