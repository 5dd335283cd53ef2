import { AddressSet } from "../../../net/address_set.ts";
import { parseAddress } from "../../../net/ip_address.ts";

/**
 * What an address is for: everybody's, a private network's, or this machine's and its surroundings, metadata services of
 * clouds included.
 */
export type AddressKind = "public" | "private" | "local";

/** Tells what an address is for; a text that is no address, such as one with a zone, counts as local. */
export function addressKind(address: string): AddressKind {
  const bytes = parseAddress(address);
  if (bytes === undefined || LOCAL.has(address)) return "local";
  if (PRIVATE.has(address)) return "private";
  // An IPv6 network without IPv4 reaches IPv4 by these (RFC 6052 section 2.1).
  return TRANSLATED.has(address) ? addressKind(bytes.subarray(12).join(".")) : "public";
}

const TRANSLATED = AddressSet.parse("64:ff9b::/96");

/** Networks that an organisation gives out itself (RFC 1918, RFC 6598, RFC 4193). */
const PRIVATE = AddressSet.parse("10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7");

/** All others that are not everybody's (the registries of RFC 6890), and where clouds tell a machine its secrets. */
const LOCAL = AddressSet.parse([
  ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24"],
  ...["192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15"],
  ...["198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
  // IPv4 addresses in other clothes, among them those of the first 96 bits, the loopback address, and 6to4 and Teredo.
  ...["::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16"],
  ...["100::/64", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20", "5f00::/16"],
  ...["fe80::/10", "fec0::/10", "ff00::/8"],
  // Metadata outside of those: Alibaba, Azure, AWS and Google over IPv6.
  ...["100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"],
].join());
