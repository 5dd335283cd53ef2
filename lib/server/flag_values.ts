import { parseInteger, SecretError } from "../cli/flags.ts";
import { AddressSet } from "../net/address_set.ts";
import { originOf, parseAuthority, withoutBrackets } from "../net/authority.ts";
import { parseAddress } from "../net/ip_address.ts";
import { parseRedisUrl } from "./bus/redis_address.ts";
import { decodeBase64UrlExactly } from "../identity/key.ts";
import type { Resolver } from "./tls/dns_lookup.ts";

/** Characters of a domain: a name has 253 (RFC 1035 section 2.3.4), an id and its dot take 53 of them. */
const MAX_DOMAIN_LENGTH = 200;

export function parseDomain(text: string): string {
  const authority = parseAuthority(text);
  if (
    authority === undefined || authority.isAddress || text.includes(":") ||
    authority.name.length > MAX_DOMAIN_LENGTH
  ) {
    throw new RangeError("must be a DNS name such as tunnel.example.com");
  }
  return authority.name;
}

export function parseListenAddress(text: string): string {
  const bare = withoutBrackets(text);
  if (parseAddress(bare) !== undefined) return bare;
  const authority = parseAuthority(text);
  if (authority === undefined || authority.isAddress || text.includes(":")) {
    throw new RangeError("must be an address or a host name, without a port");
  }
  return authority.name;
}

export function parsePublicUrl(text: string): string {
  const [, scheme = "", host = ""] = /^(https?):\/\/([^/?#]*)\/?$/i.exec(text) ?? [];
  const authority = parseAuthority(host);
  if (authority === undefined) {
    throw new RangeError("must be like https://example.com, without a path");
  }
  return originOf(scheme.toLowerCase() === "https" ? "https" : "http", authority);
}

export function parseAddresses(text: string): AddressSet {
  try {
    return AddressSet.parse(text);
  } catch (cause) {
    throw new RangeError("must be addresses, networks, loopback or private, with commas between", {
      cause,
    });
  }
}

export function parseBus(text: string): string {
  if (text === "memory") return text;
  try {
    parseRedisUrl(text);
  } catch (cause) {
    throw new RangeError("must be memory or a URL such as redis://localhost:6379", { cause });
  }
  return text;
}

/** Bytes of a token at least: who has a proof of it, or a cookie signed with it, can try guesses, as many as one likes. */
export const MIN_TOKEN_LENGTH = 16;

/**
 * Reads a token as it is.
 *
 * @throws {SecretError} for it may be most of a secret.
 */
export function parseToken(text: string): string {
  if (new TextEncoder().encode(text).length >= MIN_TOKEN_LENGTH) return text;
  throw new SecretError(
    `must have ${MIN_TOKEN_LENGTH} bytes or more, which nobody can guess: openssl rand -hex 32`,
  );
}

/** The directories of Let's Encrypt, for use and for trials. */
export const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
const LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

export function parseDirectory(text: string): string {
  if (text === "staging") return LETS_ENCRYPT_STAGING;
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "") {
    throw new RangeError("must be staging or a URL such as https://ca.example/directory");
  }
  return url.href;
}

/** One address in the narrowest sense: a list, a display name or parameters would be taken for more than one. */
export function parseMail(text: string): string {
  if (/^[A-Za-z0-9.!#$&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}$/.test(text)) return text;
  throw new RangeError("must be a mail address such as you@example.com");
}

export function parseHttpPort(text: string): number | "off" {
  if (text === "off") return text;
  try {
    return parseInteger(text, 0, 65_535);
  } catch (cause) {
    throw new RangeError("must be a port from 0 to 65535, or off", { cause });
  }
}

/** The port of DNS (RFC 1035 section 4.2). */
const DNS_PORT = 53;

export function parseResolver(text: string): Resolver {
  if (text === "off") return text;
  const bare = parseAddress(text) === undefined ? parseAuthority(text) : undefined;
  if (bare?.isAddress === false || (bare === undefined && parseAddress(text) === undefined)) {
    throw new RangeError("must be an address such as 1.1.1.1 or [::1]:5353, or off");
  }
  return { ipAddr: withoutBrackets(bare?.name ?? text), port: bare?.port ?? DNS_PORT };
}

/** @throws {SecretError} which does not show the value. */
export function parseHmacKey(text: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(text) && decodeBase64UrlExactly(text) !== undefined) return text;
  throw new SecretError("must be the key in base64url, as the authority gave it");
}
