import { encodeBase64 } from "@std/encoding/base64";
import { AddressSet, isNetwork } from "./address_set.ts";
import { DEFAULT_PORTS, parseAuthority, withoutBrackets } from "./authority.ts";

/** A proxy that opens tunnels to servers by CONNECT. */
export interface HTTPProxy {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of Proxy-Authorization (RFC 7617); null for none. */
  readonly authorization: string | null;
}

/** Scheme, user and password, and authority of a proxy's URL; all but the last may be missing. */
const PARTS = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?(?:([^/?#]*)@)?([^/?#@]+)\/?$/;

/** Reads `http://user:password@host:port`. @throws {RangeError} "must be …" for anything else. */
export function parseProxy(text: string): HTTPProxy {
  const [, scheme = "http", login, host = ""] = PARTS.exec(text) ?? [];
  const authority = parseAuthority(host);
  if (authority === undefined || authority.port === 0 || scheme.toLowerCase() !== "http") {
    throw new RangeError("must be like http://proxy.example.com:3128");
  }
  return {
    host: withoutBrackets(authority.name),
    port: authority.port ?? DEFAULT_PORTS.http,
    authorization: login === undefined ? null : basicAuthorization(login),
  };
}

/** Makes the credentials of a URL, where what has another meaning there is percent-encoded, those of the field. */
function basicAuthorization(login: string): string {
  try {
    return `Basic ${encodeBase64(new TextEncoder().encode(decodeURIComponent(login)))}`;
  } catch (cause) {
    throw new RangeError("must have user and password percent-encoded", { cause });
  }
}

/**
 * Whether a list such as NO_PROXY has the host of a URL: a name stands for itself and all below it, `*` for every host;
 * addresses and networks stand for themselves, and any of them may name a port.
 */
export function isExempt(list: string, url: URL): boolean {
  const host = withoutBrackets(url.hostname);
  const port = url.port === ""
    ? DEFAULT_PORTS[url.protocol === "https:" ? "https" : "http"]
    : Number(url.port);
  return list.split(/[\s,]+/).filter((entry) => entry !== "").some((entry) =>
    entry === "*" || isNamed(entry, host, port)
  );
}

function isNamed(entry: string, host: string, port: number): boolean {
  if (isNetwork(entry)) return AddressSet.parse(entry).has(host);
  const authority = parseAuthority(entry.replace(/^\*?\./, ""));
  if (authority === undefined) return false;
  if (authority.port !== null && authority.port !== port) return false;
  const name = withoutBrackets(authority.name);
  return host === name || (!authority.isAddress && host.endsWith(`.${name}`));
}
