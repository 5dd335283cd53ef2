import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { isLocalhost } from "./authority.ts";
import { LOOPBACK } from "./dialer.ts";
import { parseAddress } from "./ip_address.ts";
import { withTimeout } from "./with_timeout.ts";

/** Milliseconds that a look-up takes at most: resolvers give up a server after five seconds, and ask another. */
const LOOKUP_TIMEOUT = 10_000;

/** Addresses of one name that are looked at; connections try them in turn. */
const MAX_ADDRESSES = 16;

/**
 * Returns the addresses that the system knows for a name, in its order, as connections would use them; none where there
 * are none, or no answer comes in time. An address is its own.
 */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (parseAddress(host) !== undefined) return [host];
  if (isLocalhost(host)) return LOOPBACK;
  try {
    const found = await withTimeout(LOOKUP_TIMEOUT, lookup(host, { all: true }), () => []);
    return [...new Set(found.map(({ address }) => address))].slice(0, MAX_ADDRESSES);
  } catch {
    // A name that is not known, and a resolver that cannot be asked, come to the same.
    return [];
  }
}

/** Returns what Node's connections look a host up by, where its addresses are known: no name server is asked. */
export function lookupAmong(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  return (_host, options, callback) => {
    const [first] = found;
    if (options.all) callback(null, found);
    else callback(null, first?.address ?? "", first?.family);
  };
}
