import { type Field, fieldValue } from "../../http/fields.ts";
import { isToken } from "../../http/octets.ts";
import { parseAddress } from "../../net/ip_address.ts";
import type { AddressSet } from "../../net/address_set.ts";
import { isOfWay } from "./way_fields.ts";

/** What a connection tells of a visitor, apart from what the visitor says. */
export interface VisitorConnection {
  /** The address of the other end. */
  readonly peer: string;
  /** What its listener speaks, whatever scheme the request's target names. */
  readonly scheme: "http" | "https";
  /** The Host that the request was routed by. */
  readonly host: string;
}

/**
 * Tells the origin who asked and how, in `X-Forwarded-*` and `Forwarded` (RFC 7239), and believes what the
 * request itself says about that only when it comes from a trusted proxy.
 */
export class ForwardedFields {
  readonly #trustProxy: AddressSet | null;
  /** The way of the last request, and what is said of it. */
  #last: {
    readonly address: string;
    readonly scheme: string;
    readonly host: string;
    readonly fields: readonly Field[];
  } | null = null;

  /** `trustProxy` holds the proxies whose fields are believed; null trusts nobody. */
  constructor({ trustProxy }: { readonly trustProxy: AddressSet | null }) {
    this.#trustProxy = trustProxy;
  }

  /** Returns the request's fields with those about its way set anew, or carried on when the peer is trusted. */
  apply(fields: readonly Field[], { peer, scheme, host }: VisitorConnection): Field[] {
    const address = plainAddress(peer);
    const isTrusted = this.#trusts(address);
    const kept: Field[] = [];
    let said: Map<string, string> | undefined;
    for (const field of fields) {
      const [name, value] = field;
      if (!isOfWay(name)) {
        kept.push(field);
      } else if (isTrusted && value !== "" && !name.includes("_")) {
        if (!WRITTEN.has(name)) {
          kept.push(field);
          continue;
        }
        said ??= new Map();
        const before = said.get(name);
        said.set(name, before === undefined ? value : `${before}, ${value}`);
      }
    }
    if (said === undefined) return kept.concat(this.#direct(address, scheme, host));
    return [...kept, ...carriedOn(said, address, scheme, host)];
  }

  /**
   * Returns the visitor's own address: the peer, or with trusted proxies the nearest hop that is not one of them, since
   * only what they added themselves is true.
   */
  clientAddress(fields: readonly Field[], peer: string): string {
    let address = plainAddress(peer);
    if (!this.#trusts(address)) return address;
    let list = fieldValue(fields, "x-forwarded-for") ?? "";
    while (list !== "") {
      const comma = list.lastIndexOf(",");
      const hop = plainAddress(list.slice(comma + 1).trim());
      if (parseAddress(hop) === undefined) return address;
      address = hop;
      if (!this.#trusts(address)) return address;
      list = comma === -1 ? "" : list.slice(0, comma);
    }
    return address;
  }

  /** Returns the fields about a visitor without a trusted proxy; one visitor's requests come one behind the other. */
  #direct(address: string, scheme: string, host: string): readonly Field[] {
    const last = this.#last;
    if (last !== null && last.address === address && last.host === host && last.scheme === scheme) {
      return last.fields;
    }
    const fields: Field[] = [
      ["x-forwarded-for", address],
      ["x-forwarded-proto", scheme],
      ["x-forwarded-host", host],
      ["forwarded", element(node(address), scheme, host)],
    ];
    this.#last = { address, scheme, host, fields };
    return fields;
  }

  #trusts(address: string): boolean {
    return this.#trustProxy !== null && this.#trustProxy.has(address);
  }
}

/** What this server writes itself; a trusted proxy's own are carried on. */
const WRITTEN: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Writes the fields behind a trusted proxy: lists grow by that proxy's address, the rest stays as it said. */
function carriedOn(
  said: ReadonlyMap<string, string>,
  address: string,
  scheme: string,
  host: string,
): Field[] {
  const hops = said.get("x-forwarded-for");
  const proto = said.get("x-forwarded-proto") ?? scheme;
  const asked = said.get("x-forwarded-host") ?? host;
  return [
    ["x-forwarded-for", hops === undefined ? address : `${hops}, ${address}`],
    ["x-forwarded-proto", proto],
    ["x-forwarded-host", asked],
    ["forwarded", forwardedBehind(said.get("forwarded"), hops, address, proto, asked)],
  ];
}

/**
 * Continues the proxy's Forwarded, or writes what its X-Forwarded-For says when that is all it knows: else an origin
 * that reads Forwarded would take the proxy for the visitor (RFC 7239 section 7.4).
 */
function forwardedBehind(
  forwarded: string | undefined,
  hops: string | undefined,
  address: string,
  proto: string,
  host: string,
): string {
  const own = node(address);
  if (forwarded !== undefined) return `${forwarded}, ${element(own, proto, host)}`;
  if (hops === undefined) return element(own, proto, host);
  const [first = "", ...others] = [...hops.split(",").map(claimedNode), own];
  return [element(first, proto, host), ...others.map((hop) => `for=${hop}`)].join(", ");
}

function element(node: string, proto: string, host: string): string {
  return `for=${node};host=${tokenOrQuoted(host)};proto=${tokenOrQuoted(proto)}`;
}

/** Writes an address as a node's name: IPv6 in brackets and therefore in quotes (RFC 7239 section 6). */
function node(address: string): string {
  return address.includes(":") ? `"[${address}]"` : address;
}

function claimedNode(hop: string): string {
  const address = plainAddress(hop.trim());
  return parseAddress(address) === undefined ? "unknown" : node(address);
}

function tokenOrQuoted(text: string): string {
  return isToken(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

const MAPPED_PREFIX = "::ffff:";

/** Characters of the longest address with brackets, zone and port; what is longer is no address. */
const MAX_HOP_LENGTH = 80;

/**
 * Takes off what some write around an address: the IPv4-mapped form of a listener for both families, a zone, and the
 * port that some proxies add.
 */
function plainAddress(text: string): string {
  if (text.length > MAX_HOP_LENGTH) return text;
  const address = text.startsWith("[") ? text.slice(1, text.indexOf("]")) : withoutPort(text);
  const zone = address.indexOf("%");
  const plain = zone === -1 ? address : address.slice(0, zone);
  return plain.startsWith(MAPPED_PREFIX) && plain.includes(".")
    ? plain.slice(MAPPED_PREFIX.length)
    : plain;
}

/** Drops the port behind an IPv4 address: a single colon, while IPv6 has several. */
function withoutPort(text: string): string {
  const colon = text.indexOf(":");
  return colon !== -1 && colon === text.lastIndexOf(":") ? text.slice(0, colon) : text;
}
