import { encodeHex } from "@std/encoding/hex";
import { parseAddress } from "../../net/ip_address.ts";

/** Bytes of an IPv6 address that name the network of one site (RFC 4291 section 2.5.4): the rest is the sender's choice. */
const NETWORK_LENGTH = 8;

/** How an IPv4 address begins among those of IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED = "00000000000000000000ffff";

/** Returns what an address shares with the others of whoever has it: its network with IPv6, all of it with IPv4. */
export function networkOf(address: string): string {
  // In the usual form, IPv4 with dots, there is nothing to cut off.
  const bytes = address.includes(":") ? parseAddress(address) : undefined;
  if (bytes === undefined) return address;
  const hex = encodeHex(bytes);
  return hex.startsWith(MAPPED) ? bytes.subarray(12).join(".") : hex.slice(0, NETWORK_LENGTH * 2);
}
