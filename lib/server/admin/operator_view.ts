/** Bytes of frames. */
export interface Traffic {
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

/** What visitors of a tunnel have got on this node. */
export interface TunnelVisits {
  /** Requests whose answers are over. */
  readonly requests: number;
  /** Of these, the ones that the server itself answered, in the place of the service. */
  readonly refused: number;
}

/** One of the servers of a domain. */
export interface ListedNode {
  /** The same until its process ends. */
  readonly id: string;
  /** Where the others reach it directly; null for over the bus. */
  readonly url: string | null;
  /** Whether it has answered. */
  readonly answers: boolean;
}

/** Which servers an answer is about. */
export interface Reach {
  /** The server that was asked first, and those that it asked; none for one that is alone. */
  readonly nodes: readonly ListedNode[];
  /** Whether no other server could be asked, since the bus is away. */
  readonly isBusAway: boolean;
}

/** One tunnel on one server, with what its connections there have together. */
export interface ListedTunnel {
  /** The server; null for one that is alone. */
  readonly node: string | null;
  readonly id: string;
  readonly hostnames: readonly string[];
  /** What its client wished for; empty for none. */
  readonly name: string;
  /** The thumbprint of its key. */
  readonly key: string;
  /** What the list of keys notes of it; empty for nothing. */
  readonly comment: string;
  /** When the connection came that is here longest. */
  readonly since: string;
  /** Different addresses. */
  readonly clients: number;
  readonly connections: readonly ListedConnection[];
  readonly streams: number;
  readonly bytes: Readonly<Traffic>;
  readonly visits: TunnelVisits;
}

/** A part of the list, in the order of the ids. */
export interface TunnelPart {
  /** How many there are that the search finds, on all pages. A tunnel counts once for each server that has it. */
  readonly total: number;
  readonly tunnels: readonly ListedTunnel[];
  /** What `after` must be for the next page; null on the last. */
  readonly next: string | null;
}

/** A part of the list of all servers. */
export interface TunnelPage extends TunnelPart, Reach {
  /** The server that was asked; null for one that is alone. */
  readonly node: string | null;
}

/** Whose clients are kept away: those of a key, or those of an address or a network. */
export interface Banned {
  /** What `value` is. */
  readonly kind: "key" | "network";
  /** The key's thumbprint, or the network as in `203.0.113.0/24`. */
  readonly value: string;
}

/** One entry of the list. */
export interface Ban extends Banned {
  /** What the operator noted; empty for nothing. */
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}
