import { parseAddress } from "./ip_address.ts";

export interface Authority {
  /** In lower case, without a trailing dot; an IPv6 address keeps its brackets. */
  readonly name: string;
  /** null for a text without a port. */
  readonly port: number | null;
  readonly isAddress: boolean;
}

/**
 * Reads `host[:port]` (RFC 9110 section 7.2): a DNS name, an IPv4 address or an IPv6 address in brackets; undefined for
 * anything else. The grammar is far narrower than RFC 3986's, since a text must not pass that two readers could take
 * for two hosts.
 */
export function parseAuthority(text: string): Authority | undefined {
  const isIPv6 = text.startsWith("[");
  const colon = isIPv6 ? text.indexOf("]") + 1 : text.indexOf(":");
  const end = colon === -1 ? text.length : colon;
  const port = parsePort(text.slice(end));
  if (port === undefined) return undefined;

  if (isIPv6) {
    const address = text.slice(1, end - 1);
    if (!address.includes(":") || parseAddress(address) === undefined) return undefined;
    return { name: `[${address.toLowerCase()}]`, port, isAddress: true };
  }
  const name = text.slice(0, text[end - 1] === "." ? end - 1 : end);
  if (!isDnsName(name)) return undefined;
  // A name that ends in a number must be an IPv4 address: many readers take `1.2` and `256.1` for addresses.
  if (!endsInNumber(name)) return { name: name.toLowerCase(), port, isAddress: false };
  return parseAddress(name) === undefined ? undefined : { name, port, isAddress: true };
}

/** Writes a host's name or address and a port (RFC 9110 section 7.2); an IPv6 address gets its brackets. */
export function authorityOf(
  { host, port }: { readonly host: string; readonly port: number },
): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Writes an origin (RFC 6454 section 6.2), without a port that is its scheme's default. */
export function originOf(scheme: "http" | "https", { name, port }: Authority): string {
  return port === null || port === DEFAULT_PORTS[scheme]
    ? `${scheme}://${name}`
    : `${scheme}://${name}:${port}`;
}

/** Takes off the brackets that an IPv6 address has in an authority; any other name stays as it is. */
export function withoutBrackets(name: string): string {
  return name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
}

/** Whether a text is an origin of HTTP and nothing else, without a path or a user (RFC 6454 section 6.2). */
export function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.parse(text)?.origin === text;
}

/** Whether a name means this machine (RFC 6761 section 6.3), which not every system's resolver knows. */
export function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}

/** Finds where an authority ends that begins before `start`: at the first `/`, `?` or `#` (RFC 3986 section 3.2), or with the text. */
export function endOfAuthority(text: string, start: number): number {
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2f || code === 0x3f || code === 0x23) return i;
  }
  return text.length;
}

/** The port of each scheme when a URL names no port (RFC 9110 section 4.2). */
export const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Tells whether the text is DNS labels with single dots between; underscores are common in practice. */
export function isDnsName(text: string): boolean {
  if (text.length > MAX_NAME_LENGTH) return false;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (length === 0) return false;
      length = 0;
      continue;
    }
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!isLetter && !isDigit(code) && code !== 0x2d && code !== 0x5f) return false;
    if (++length > MAX_LABEL_LENGTH) return false;
  }
  return length > 0;
}

/** Octets of one label and of a whole name (RFC 1035 section 2.3.4). */
const MAX_LABEL_LENGTH = 63;
const MAX_NAME_LENGTH = 253;
const MAX_PORT = 65_535;
/** Characters of `:65535`. */
const MAX_PORT_LENGTH = 6;

function endsInNumber(name: string): boolean {
  return isDigit(name.charCodeAt(name.length - 1)) &&
    /^[0-9]+$/.test(name.slice(name.lastIndexOf(".") + 1));
}

/** Reads `:port`; null for the empty text, and for a colon alone (RFC 3986 section 3.2.3). */
function parsePort(text: string): number | null | undefined {
  if (text.length <= 1) return text === "" || text === ":" ? null : undefined;
  if (text.length > MAX_PORT_LENGTH || text.charCodeAt(0) !== 0x3a) return undefined;
  let port = 0;
  for (let i = 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!isDigit(code)) return undefined;
    port = port * 10 + code - 0x30;
  }
  return port <= MAX_PORT ? port : undefined;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
