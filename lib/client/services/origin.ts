import { authorityOf, DEFAULT_PORTS } from "../../net/authority.ts";

/** Where a local server listens, and how it is asked; a host is a name or an address, IPv6 without brackets. */
export type Origin =
  | {
    readonly kind: "http" | "https";
    readonly host: string;
    readonly port: number;
    /** Addresses that the host is known to have; without them its name is looked up for each connection. */
    readonly addresses?: readonly string[];
  }
  | { readonly kind: "unix"; readonly path: string };

/** What an origin over TLS is trusted by. */
export interface OriginTrust {
  /** Authorities in PEM that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
  /** Whether any certificate will do. */
  readonly isInsecure: boolean;
}

/** Trusts what everybody does. */
export const USUAL_TRUST: OriginTrust = { authorities: [], isInsecure: false };

/** Returns what the owner knows an origin by, as the command line takes it. */
export function originName(origin: Origin): string {
  return origin.kind === "unix" ? addressOf(origin) : `${origin.kind}://${addressOf(origin)}`;
}

/** Returns where an origin listens, as messages about a connection name it. */
export function addressOf(origin: Origin): string {
  return origin.kind === "unix" ? `unix:${origin.path}` : authorityOf(origin);
}

/** Returns the Host by which an origin is asked on its own machine (RFC 9110 section 7.2). */
export function hostOf(origin: Origin): string {
  // What curl says to a socket, too: it has no name of its own.
  if (origin.kind === "unix") return "localhost";
  const authority = authorityOf(origin);
  const usual = `:${DEFAULT_PORTS[origin.kind]}`;
  return authority.endsWith(usual) ? authority.slice(0, -usual.length) : authority;
}
