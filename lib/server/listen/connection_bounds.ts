/** What connections of visitors may take, where a listener can tell. */
export interface ConnectionBounds {
  /** Milliseconds for a whole request head, and before the first one for TLS as well. */
  readonly headTimeout: number;
  /** Milliseconds between requests. */
  readonly keepaliveTimeout: number;
  /** Milliseconds for a visitor to take some of what is sent. */
  readonly stallTimeout: number;
  /** Connections that are open at once; more wait in the system's queue. */
  readonly most: number;
  /** Of these, what one address may have, or one network of IPv6. */
  readonly mostPerNetwork: number;
  /** Whether an address is a proxy's, whose visitors are not one. */
  readonly isProxy: (address: string) => boolean;
}

/** Why a listener ended a connection: stable words for a metric. */
export type ConnectionEnd =
  /** Its head, the next request, or the visitor's taking was waited for too long. */
  | "head"
  | "idle"
  | "stall"
  /** It was no request, or one that is not read here. */
  | "malformed"
  /** Its network has as many as it may have. */
  | "network"
  /** It was idle, and another one needed its place. */
  | "full";

/** Is told what became of connections. */
export interface ConnectionObserver {
  ended(why: ConnectionEnd): void;
}

/** The defaults of the flags. */
export const USUAL_BOUNDS: ConnectionBounds = {
  headTimeout: 15_000,
  keepaliveTimeout: 75_000,
  stallTimeout: 60_000,
  most: 10_000,
  mostPerNetwork: 1_000,
  isProxy: () => false,
};
