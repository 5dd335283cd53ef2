import { parseAddress } from "./ip_address.ts";

/** Holds IP addresses and networks of both families. */
export class AddressSet {
  readonly #networks: readonly Network[];

  private constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /**
   * Reads a list, with commas between, of addresses, networks such as `10.0.0.0/8`, and the words `loopback` and `private`.
   *
   * @throws {RangeError} that names the first value which is neither.
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

  /** Tells whether the text is an address in the set; a text that is not an address is in no set. */
  has(address: string): boolean {
    const bytes = parseAddress(address);
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes));
  }
}

/** Tells whether the text is an address or a network, such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  try {
    parseNetwork(text, text);
    return true;
  } catch {
    return false;
  }
}

interface Network {
  readonly prefix: Uint8Array;
  /** How many leading bits of the prefix count, of 128. */
  readonly bits: number;
}

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

const BITS = /^[0-9]{1,3}$/;

function parseNetwork(text: string, shown: string): Network {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const prefix = parseAddress(address);
  const width = address.includes(":") ? 128 : 32;
  const bitsText = slash === -1 ? String(width) : text.slice(slash + 1);
  const bits = BITS.test(bitsText) ? Number(bitsText) : Infinity;
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
