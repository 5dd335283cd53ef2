import { AddressSet } from "../../net/address_set.ts";
import { DEFAULT_PORTS, parseAuthority } from "../../net/authority.ts";
import type { ClientConnection } from "./client_session.ts";

/** By which URLs a server is known. */
export interface OwnUrls {
  /** The public origin. */
  readonly url: string;
  /** The port that it listens on for visitors. */
  readonly port: number;
  /** The port for clients alone; null for none. */
  readonly clientPort: number | null;
  /** Whether the server speaks TLS itself. */
  readonly isSecure: boolean;
}

/**
 * Whether a client that signed `audience` means this server: by its public URL; by the same host and the port of the
 * clients; and on this machine itself by the loopback names with a port that it listens on. Nobody elsewhere can have
 * relayed that, since the peer, the Host field and the signed audience must all be local, and no program beside it that
 * forwards what comes to a port of its own.
 */
export function isAudience(
  audience: string,
  { address, host }: Pick<ClientConnection, "address" | "host">,
  { url, port, clientPort, isSecure }: OwnUrls,
): boolean {
  const scheme = isSecure ? "https" : "http";
  if (audience === url || clientUrls(url, clientPort, scheme).includes(audience)) return true;
  const asked = parseAuthority(host);
  if (asked === undefined || !LOOPBACK_NAMES.has(asked.name)) return false;
  const askedPort = asked.port ?? DEFAULT_PORTS[scheme];
  if (!LOOPBACK.has(address) || (askedPort !== port && askedPort !== clientPort)) return false;
  return audience === new URL(`${scheme}://${host}`).origin;
}

/**
 * Returns the URL that clients are to be given. Where a proxy adds TLS it is the public one: the clients' port is behind
 * that proxy, which leads them to it.
 */
export function clientUrl({ url, clientPort, isSecure }: OwnUrls): string {
  const { protocol } = new URL(url);
  if (protocol === "https:" && !isSecure) return url;
  return clientUrls(url, clientPort, isSecure ? "https" : "http")[0] ?? url;
}

/** Returns the URLs of the clients' port: as the server itself speaks there, and as the public URL does, in front of which a proxy may add TLS. */
function clientUrls(url: string, port: number | null, scheme: "http" | "https"): string[] {
  if (port === null) return [];
  const { hostname, protocol } = new URL(url);
  return [`${scheme}:`, protocol].map((scheme) => new URL(`${scheme}//${hostname}:${port}`).origin);
}

const LOOPBACK = AddressSet.parse("loopback");
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
