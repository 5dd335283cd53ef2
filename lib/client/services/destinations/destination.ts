import { type Authority, DEFAULT_PORTS, originOf, parseAuthority } from "../../../net/authority.ts";
import { withoutBrackets } from "../../../net/authority.ts";

/** Where a visitor wants to go. */
export interface Destination {
  readonly scheme: "http" | "https";
  /** A name in lower case or an address, IPv6 without brackets. */
  readonly host: string;
  readonly isAddress: boolean;
  readonly port: number;
  /** Path and query. */
  readonly target: string;
  /** Scheme, host and port, as an origin is written (RFC 6454 section 6.2). */
  readonly origin: string;
}

/** A URL in printable ASCII without a user, a fragment or anything that readers understand differently. */
const URL_PARTS = /^(https?):\/\/([^/?#@\\]+)(\/[\x21\x22\x24-\x7e]*)?$/i;

/** How readers of old write an address in one number, or in several: `0x7f000001`. The grammar of hosts refuses the decimal ones. */
const HEX_NUMBER = /(?:^|\.)0x[0-9a-f]*$/i;

/** Reads the URL of a destination; undefined for anything that two readers could take for two places. */
export function parseDestination(text: string): Destination | undefined {
  const [, written = "", host = "", target = "/"] = URL_PARTS.exec(text) ?? [];
  const authority = parseAuthority(host);
  if (authority === undefined || authority.port === 0 || HEX_NUMBER.test(authority.name)) {
    return undefined;
  }
  const scheme = written.toLowerCase() === "https" ? "https" : "http";
  return { ...placeOf(scheme, authority), target, origin: originOf(scheme, authority) };
}

function placeOf(
  scheme: "http" | "https",
  { name, port, isAddress }: Authority,
): Omit<Destination, "target" | "origin"> {
  return {
    scheme,
    host: withoutBrackets(name),
    isAddress,
    port: port ?? DEFAULT_PORTS[scheme],
  };
}
