import { type Field, fieldValues } from "../../../http/fields.ts";
import type { RequestHead } from "../../../http/head.ts";
import { AddressSet, isNetwork } from "../../../net/address_set.ts";
import { DEFAULT_PORTS, parseAuthority, withoutBrackets } from "../../../net/authority.ts";
import { parseAddress } from "../../../net/ip_address.ts";
import { isToken } from "../../../http/octets.ts";
import type { Destination } from "./destination.ts";
import { Glob } from "./glob.ts";

/** Hosts that a rule means: one, all below a name, or all. */
type Hosts =
  | { readonly kind: "one"; readonly host: string }
  | { readonly kind: "below"; readonly suffix: string }
  | { readonly kind: "all" };

/** What an owner says of destinations, in one line: a URL with stars, or a network, and of which requests that is. */
export interface DestinationRule {
  /** null for both. */
  readonly scheme: "http" | "https" | null;
  readonly hosts: Hosts | { readonly kind: "network"; readonly addresses: AddressSet };
  /** null for all. */
  readonly port: number | null;
  /** Held against the path, without its query. */
  readonly path: Glob;
  /** Those that it is about; null for all. */
  readonly methods: readonly string[] | null;
  /** Fields of the request that it is about, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: Glob])[];
}

/**
 * Reads what an owner allows, such as `https://*.internal:443/api/*`. What is left out is the scheme's own port, and every
 * path. Methods may stand before it, and fields behind it: `GET,HEAD https://api.internal X-Team: web-*; X-Env: dev`.
 *
 * @throws {RangeError} "must …" for anything else.
 */
export function parseAllowedDestination(text: string): DestinationRule {
  const { place, ...about } = partsOf(text);
  const rule = parsePlace(place);
  const { scheme, port } = rule;
  const usual = scheme === null ? null : DEFAULT_PORTS[scheme];
  return { ...rule, ...about, port: port === undefined ? usual : port };
}

/**
 * Reads what an owner denies: the same, or a network such as `10.0.0.0/8`. What is left out is denied whole, ports too.
 *
 * @throws {RangeError} "must …" for anything else.
 */
export function parseDeniedDestination(text: string): DestinationRule {
  const { place, ...about } = partsOf(text);
  if (isNetwork(place)) {
    const hosts = { kind: "network", addresses: AddressSet.parse(place) } as const;
    return { scheme: null, hosts, port: null, path: EVERY_PATH, ...about };
  }
  const rule = parsePlace(place);
  return { ...rule, ...about, port: rule.port ?? null };
}

/** Tells whether a rule is about a request for a destination; `paths` are the ways in which its path can be read. */
export function isAbout(
  rule: DestinationRule,
  { scheme, port }: Destination,
  { method, fields }: RequestHead,
): boolean {
  return (rule.scheme === null || rule.scheme === scheme) &&
    (rule.port === null || rule.port === port) &&
    (rule.methods === null || rule.methods.includes(method)) &&
    rule.fields.every(([name, value]) => hasField(fields, name, value));
}

/** Tells whether a rule means a host by its name, or the address that was written in its place. */
export function meansHost({ hosts }: DestinationRule, host: string): boolean {
  switch (hosts.kind) {
    case "one":
      return hosts.host === host || isSameAddress(hosts.host, host);
    case "below":
      return host.endsWith(hosts.suffix) && parseAddress(host) === undefined;
    case "all":
      return true;
    case "network":
      return hosts.addresses.has(host);
  }
}

/** Methods, a place, and fields with semicolons between. */
const PARTS = /^(?:([A-Z]+(?:,[A-Z]+)*) +)?(\S+)(?: +(\S.*))?$/;

/** Takes a rule apart, into what it is about and where. @throws {RangeError} "must …" for what is none. */
function partsOf(
  text: string,
): Pick<DestinationRule, "methods" | "fields"> & { readonly place: string } {
  const [, methods, place = "", fields] = PARTS.exec(text) ?? [];
  return {
    place,
    methods: methods === undefined ? null : methods.split(","),
    fields: fields === undefined ? [] : fields.split(";").map(fieldOf),
  };
}

function fieldOf(text: string): readonly [name: string, value: Glob] {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0)).trim().toLowerCase();
  if (isToken(name)) return [name, new Glob(text.slice(colon + 1).trim())];
  throw new RangeError("must have fields such as X-Team: web-* behind the URL");
}

type Place = Pick<DestinationRule, "scheme" | "path"> & {
  readonly hosts: Hosts;
  /** null for all, undefined where it is left out. */
  readonly port: number | null | undefined;
};

const EVERY_PATH = new Glob("*");

/** Scheme, host, port and path. */
const RULE =
  /^(https?|\*):\/\/([^/?#@\\\s]+?)(?::(\*|[0-9]{1,5}))?(\/[\x21\x22\x24-\x3e\x40-\x7e]*)?$/;

function parsePlace(text: string): Place {
  const [, scheme = "", written = "", port, path] = RULE.exec(text) ?? [];
  const hosts = hostsOf(written);
  if (hosts === undefined) throw new RangeError("must be like https://*.internal:443/api/*");
  if (port === "0" || Number(port) > 65_535) throw new RangeError("must have a port up to 65535");
  return {
    scheme: scheme === "http" || scheme === "https" ? scheme : null,
    hosts,
    port: port === undefined ? undefined : port === "*" ? null : Number(port),
    path: path === undefined ? EVERY_PATH : new Glob(path),
  };
}

function hostsOf(text: string): Hosts | undefined {
  if (text === "*") return { kind: "all" };
  const isBelow = text.startsWith("*.");
  const authority = parseAuthority(isBelow ? text.slice(2) : text);
  if (authority === undefined || authority.port !== null) return undefined;
  if (!isBelow) return { kind: "one", host: withoutBrackets(authority.name) };
  return authority.isAddress ? undefined : { kind: "below", suffix: `.${authority.name}` };
}

function hasField(fields: readonly Field[], name: string, value: Glob): boolean {
  const given = fieldValues(fields, name);
  return given !== undefined && value.matches(given);
}

function isSameAddress(one: string, other: string): boolean {
  const bytes = parseAddress(one);
  return bytes !== undefined && `${bytes}` === `${parseAddress(other)}`;
}
