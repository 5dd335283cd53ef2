import { encodeHex } from "@std/encoding/hex";

/**
 * Reads an IPv4 or IPv6 address as 16 bytes, IPv4 in its IPv4-mapped form (RFC 4291 section 2.5.5.2), so that
 * one address has one spelling; undefined for a text that is not an address.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined;
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

/** Characters: eight groups of four digits with an IPv4 address for the last two of them. */
const MAX_ADDRESS_LENGTH = 45;

/** Bytes of an IPv6 address that name the network of one site (RFC 4291 section 2.5.4): the rest is the sender's choice. */
const NETWORK_LENGTH = 8;

/** How an IPv4 address begins among those of IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED = "00000000000000000000ffff";

/** Returns what an address shares with the others of the same visitor: its network with IPv6, all of it with IPv4. */
export function networkOf(address: string): string {
  // In the usual form, IPv4 with dots, there is nothing to cut off.
  const bytes = address.includes(":") ? parseAddress(address) : undefined;
  if (bytes === undefined) return address;
  const hex = encodeHex(bytes);
  return hex.startsWith(MAPPED) ? bytes.subarray(12).join(".") : hex.slice(0, NETWORK_LENGTH * 2);
}

/** An octet in decimal; a leading zero means octal to some readers and not to others. */
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(16).fill(0xff, 10, 12);
  for (const [i, part] of parts.entries()) {
    const octet = OCTET.test(part) ? Number(part) : Infinity;
    if (octet > 255) return undefined;
    bytes[12 + i] = octet;
  }
  return bytes;
}

function parseIPv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const front = parseGroups(halves[0] ?? "", halves.length === 1);
  const back = parseGroups(halves[1] ?? "", true);
  if (front === undefined || back === undefined) return undefined;
  const length = front.length + back.length;
  // The `::` stands for one group at least (RFC 4291 section 2.2).
  if (halves.length === 1 ? length !== 16 : length > 14) return undefined;

  const bytes = new Uint8Array(16);
  bytes.set(front);
  bytes.set(back, 16 - back.length);
  return bytes;
}

/** Reads groups with single colons between; the last may be an IPv4 address where the address ends. */
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  const bytes: number[] = [];
  if (text === "") return bytes;
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (atEnd && i === groups.length - 1 && group.includes(".")) {
      const octets = parseIPv4(group);
      if (octets === undefined) return undefined;
      bytes.push(...octets.subarray(12));
      continue;
    }
    if (!HEX_GROUP.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}
