import { SecretError } from "../cli/flags.ts";
import { AddressSet } from "../net/address_set.ts";
import { originOf, parseAuthority, withoutBrackets } from "../net/authority.ts";
import { parseAddress } from "../net/ip_address.ts";
import { parseRedisUrl } from "./bus/redis_address.ts";

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

/** Bytes of a token at least: a false server that has a proof of it can try guesses, as many as it likes. */
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
