import type { ClientUpstream } from "../tunnels/client_upstream.ts";

/** Tunnels on one page: a few hundred kilobytes of JSON, written in some milliseconds. */
const MAX_LIMIT = 1000;

/** Tunnels on a page when nobody asks for more or less. */
const DEFAULT_LIMIT = 100;

/** Connections on one page, after which it ends early: each is some 150 bytes, and one tunnel may have 64. */
const MAX_CONNECTIONS = 5000;

/** Bytes of frames. */
interface Traffic {
  /** From the client. */
  received: number;
  /** To the client. */
  sent: number;
}

/** One registered connection, as the list shows it. */
export interface ListedConnection {
  readonly address: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  readonly streams: number;
  readonly bytes: Readonly<Traffic>;
}

/** One tunnel, with what its connections have together. */
export interface ListedTunnel {
  readonly id: string;
  readonly hostnames: readonly string[];
  /** When the connection came that is here longest. */
  readonly since: string;
  /** Different addresses. */
  readonly clients: number;
  readonly connections: readonly ListedConnection[];
  readonly streams: number;
  readonly bytes: Readonly<Traffic>;
}

/** A part of the list, in the order of the ids. */
export interface TunnelPage {
  /** The server that has these tunnels; null for one that is alone. */
  readonly node: string | null;
  readonly tunnels: readonly ListedTunnel[];
  /** What `after` must be for the next page; null on the last. */
  readonly next: string | null;
}

/** What of an upstream is shown. */
export type UpstreamFigures =
  & Pick<ClientUpstream, "id" | "hostnames" | "address" | "since" | "received" | "sent">
  & { readonly session: Pick<ClientUpstream["session"], "load"> };

export interface TunnelListOptions {
  readonly registry: { upstreams(): Iterable<UpstreamFigures> };
  readonly node: string | null;
}

/** Lists the tunnels of this server with what they carry, page by page. */
export class TunnelList {
  readonly #options: TunnelListOptions;

  constructor(options: TunnelListOptions) {
    this.#options = options;
  }

  /**
   * Returns the page that the parameters `after` and `limit` of a query ask for.
   *
   * @throws {RangeError} whose message says what is wrong with the query.
   */
  page(query: URLSearchParams): TunnelPage {
    const limit = limitOf(query);
    const after = query.get("after") ?? "";
    const upstreams = this.#upstreamsAfter(after);
    // An id that came or went between two pages shifts nothing, as the number of a page would.
    const ids = [...upstreams.keys()].sort();
    const tunnels: ListedTunnel[] = [];
    let connections = 0;
    for (const id of ids) {
      const ofId = upstreams.get(id) ?? [];
      connections += ofId.length;
      const isFull = tunnels.length === limit || connections > MAX_CONNECTIONS;
      if (isFull && tunnels.length > 0) break;
      tunnels.push(listed(id, ofId));
    }
    const next = tunnels.length < ids.length ? tunnels.at(-1)?.id ?? null : null;
    return { node: this.#options.node, tunnels, next };
  }

  #upstreamsAfter(after: string): ReadonlyMap<string, readonly UpstreamFigures[]> {
    const found = new Map<string, UpstreamFigures[]>();
    for (const upstream of this.#options.registry.upstreams()) {
      if (upstream.id <= after) continue;
      const same = found.get(upstream.id);
      if (same === undefined) found.set(upstream.id, [upstream]);
      else same.push(upstream);
    }
    return found;
  }
}

function limitOf(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new RangeError(`limit must be a whole number from 1 to ${MAX_LIMIT}`);
}

function listed(id: string, upstreams: readonly UpstreamFigures[]): ListedTunnel {
  const bytes: Traffic = { received: 0, sent: 0 };
  const hostnames = new Set<string>();
  const addresses = new Set<string>();
  const connections: ListedConnection[] = [];
  let since = Infinity;
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
    id,
    hostnames: [...hostnames],
    since: new Date(since).toISOString(),
    clients: addresses.size,
    connections,
    streams,
    bytes,
  };
}
