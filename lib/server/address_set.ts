/** Holds IP addresses and networks of both families. */
export class AddressSet {
  readonly #networks: readonly Network[];

  private constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /**
   * Reads addresses, networks such as `10.0.0.0/8`, and the words `loopback` and `private`, with commas between.
   *
   * @throws {RangeError} naming the value that is none of these.
   */
  static parse(text: string): AddressSet {
    const networks: Network[] = [];
    for (const part of text.split(",")) {
      const value = part.trim();
      for (const network of NAMED.get(value) ?? [value]) {
        networks.push(parseNetwork(network, value));
      }
    }
    return new AddressSet(networks);
  }

  /** Tells whether the text is an address in the set; what is no address is in no set. */
  has(address: string): boolean {
    const bytes = parseAddress(address);
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes));
  }
}

/**
 * Reads an IPv4 or IPv6 address as 16 bytes, IPv4 in its IPv4-mapped form (RFC 4291 section 2.5.5.2), so that
 * one address has one spelling; undefined when the text is no address. Octets are plain decimal numbers: a leading zero
 * means octal to some readers and not to others.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.length > MAX_ADDRESS_LENGTH) return undefined;
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

interface Network {
  readonly prefix: Uint8Array;
  /** How many leading bits of the prefix count, of 128. */
  readonly bits: number;
}

/** Characters: eight groups of four digits with an IPv4 address for the last two of them. */
const MAX_ADDRESS_LENGTH = 45;

const MAPPED_BITS = 96;

const NAMED: ReadonlyMap<string, readonly string[]> = new Map([
  ["loopback", ["127.0.0.0/8", "::1"]],
  // RFC 1918, RFC 4193, and the link-local networks of both families.
  ["private", [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
  ]],
]);

const DECIMAL = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_GROUP = /^[0-9a-fA-F]{1,4}$/;

function parseNetwork(text: string, shown: string): Network {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const prefix = parseAddress(address);
  const width = address.includes(":") ? 128 : 32;
  const bitsText = slash === -1 ? String(width) : text.slice(slash + 1);
  const bits = DECIMAL.test(bitsText) ? Number(bitsText) : Infinity;
  if (prefix === undefined || bits > width) {
    throw new RangeError(`not an IP address or network: ${JSON.stringify(shown)}`);
  }
  return { prefix, bits: width === 32 ? bits + MAPPED_BITS : bits };
}

function contains({ prefix, bits }: Network, address: Uint8Array): boolean {
  for (let i = 0; i < prefix.length; i++) {
    const left = bits - i * 8;
    if (left <= 0) return true;
    const differing = (prefix[i] ?? 0) ^ (address[i] ?? 0);
    if ((left >= 8 ? differing : differing >> (8 - left)) !== 0) return false;
  }
  return true;
}

function parseIPv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(16).fill(0xff, 10, 12);
  for (const [i, part] of parts.entries()) {
    const octet = DECIMAL.test(part) ? Number(part) : Infinity;
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
