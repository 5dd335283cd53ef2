import type {
  ListedConnection,
  ListedTunnel,
  Traffic,
  TunnelPart,
  TunnelVisits,
} from "./operator_view.ts";
import type { ClientUpstream } from "../tunnels/client_upstream.ts";

/** Tunnels on one page: a few hundred kilobytes of JSON, written in some milliseconds. */
const MAX_LIMIT = 1000;

/** Tunnels on a page when nobody asks for more or less. */
const DEFAULT_LIMIT = 100;

/** Connections on one page, after which it ends early: each is some 150 bytes, and one tunnel may have 64. */
const MAX_CONNECTIONS = 5000;

/** What of an upstream is shown. */
export type UpstreamFigures =
  & Pick<ClientUpstream, "id" | "name" | "thumbprint" | "hostnames" | "address" | "since">
  & Pick<ClientUpstream, "received" | "sent">
  & { readonly session: Pick<ClientUpstream["session"], "load"> };

export interface TunnelListOptions {
  readonly registry: { upstreams(): Iterable<UpstreamFigures> };
  readonly node: string | null;
  /** Returns what the operator noted of a key; empty for nothing. */
  readonly commentOf: (thumbprint: string) => string;
  /** Returns what visitors have got of the tunnel whose id makes that hostname. */
  readonly visitsOf: (hostname: string) => TunnelVisits;
}

/** Lists the tunnels of this server alone with what they carry, page by page. */
export class TunnelList {
  readonly #options: TunnelListOptions;

  constructor(options: TunnelListOptions) {
    this.#options = options;
  }

  /**
   * Returns the page that the parameters `search`, `after` and `limit` of a query ask for.
   *
   * @throws {RangeError} whose message says what is wrong with the query.
   */
  page(query: URLSearchParams): TunnelPart {
    const limit = pageLimit(query);
    const after = query.get("after") ?? "";
    const found = this.#find((query.get("search") ?? "").trim().toLowerCase());
    // An id that came or went between two pages shifts nothing, as the number of a page would.
    const ids = [...found.keys()].filter((id) => id > after).sort();
    const tunnels: ListedTunnel[] = [];
    let connections = 0;
    for (const id of ids) {
      const ofId = found.get(id) ?? [];
      connections += ofId.length;
      const isFull = tunnels.length === limit || connections > MAX_CONNECTIONS;
      if (isFull && tunnels.length > 0) break;
      tunnels.push(this.#listed(id, ofId));
    }
    const next = tunnels.length < ids.length ? tunnels.at(-1)?.id ?? null : null;
    return { total: found.size, tunnels, next };
  }

  /** Returns the tunnels of which a connection is found by a text, in lower case; all for an empty one. */
  #find(text: string): ReadonlyMap<string, readonly UpstreamFigures[]> {
    const found = new Map<string, UpstreamFigures[]>();
    for (const upstream of this.#options.registry.upstreams()) {
      if (text !== "" && !this.#isFound(upstream, text)) continue;
      const same = found.get(upstream.id);
      if (same === undefined) found.set(upstream.id, [upstream]);
      else same.push(upstream);
    }
    return found;
  }

  #isFound({ id, thumbprint, hostnames, address }: UpstreamFigures, text: string): boolean {
    const shown = [id, ...hostnames, thumbprint, address, this.#options.commentOf(thumbprint)];
    return shown.some((each) => each.toLowerCase().includes(text));
  }

  #listed(id: string, upstreams: readonly UpstreamFigures[]): ListedTunnel {
    const bytes: Traffic = { received: 0, sent: 0 };
    const hostnames = new Set<string>();
    const addresses = new Set<string>();
    const connections: ListedConnection[] = [];
    let since = Infinity;
    const [{ name = "", thumbprint: key = "", hostnames: [hostname = ""] = [] } = {}] = upstreams;
    let streams = 0;
    for (const upstream of upstreams) {
      const { address, received, sent } = upstream;
      for (const hostname of upstream.hostnames) hostnames.add(hostname);
      addresses.add(address);
      since = Math.min(since, upstream.since.getTime());
      streams += upstream.session.load;
      bytes.received += received;
      bytes.sent += sent;
      connections.push({
        address,
        since: upstream.since.toISOString(),
        streams: upstream.session.load,
        bytes: { received, sent },
      });
    }
    return {
      node: this.#options.node,
      id,
      hostnames: [...hostnames],
      name,
      key,
      comment: this.#options.commentOf(key),
      since: new Date(since).toISOString(),
      clients: addresses.size,
      connections,
      streams,
      bytes,
      visits: this.#options.visitsOf(hostname),
    };
  }
}

/** Returns how many tunnels a query wants on a page. @throws {RangeError} */
export function pageLimit(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new RangeError(`limit must be a whole number from 1 to ${MAX_LIMIT}`);
}
