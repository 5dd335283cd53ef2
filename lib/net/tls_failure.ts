import { systemCode, systemReason } from "./system_reason.ts";

/** What was wrong with a TLS handshake: each kind asks for something else to be done. */
export type TLSFault =
  /** The certificate's authority is not known. */
  | "untrusted"
  /** The certificate is an authority's own. */
  | "authority"
  | "expired"
  | "not_yet_valid"
  /** The certificate is for other names. */
  | "other_name"
  /** The peer does not speak TLS. */
  | "plain"
  /** The connection was closed during the handshake. */
  | "cut"
  | "other";

export interface TLSFailure {
  readonly fault: TLSFault;
  /** A clause about the server, which it calls "it". */
  readonly reason: string;
}

/**
 * Reads what rustls, Deno's TLS, says when a handshake with a host fails, or OpenSSL, Node's, by its codes; `now` is the
 * clock's time.
 */
export function tlsFailure(error: unknown, hostname: string, now: Date = new Date()): TLSFailure {
  const message = error instanceof Error ? error.message : String(error);
  const known = OPENSSL_FAULTS.get(systemCode(error));
  if (message.includes("UnknownIssuer") || known === "untrusted") {
    return {
      fault: "untrusted",
      reason: "this machine does not know the authority that its certificate is from",
    };
  }
  if (message.includes("CaUsedAsEndEntity")) {
    return { fault: "authority", reason: "its certificate is an authority's own (CA:TRUE)" };
  }
  if (/certificate expired|\bExpired\b/.test(message) || known === "expired") {
    return {
      fault: "expired",
      reason: `its certificate expired${onDay(message, /not valid after (\d+)/)}, ${clock(now)}`,
    };
  }
  if (/not valid yet|NotValidYet/.test(message) || known === "not_yet_valid") {
    const from = onDay(message, /not valid before (\d+)/);
    return {
      fault: "not_yet_valid",
      reason: `its certificate becomes valid${from === "" ? " later" : from}, ${clock(now)}`,
    };
  }
  if (/not valid for (?:name|any names)|NotValidForName/.test(message) || known === "other_name") {
    return { fault: "other_name", reason: otherName(message, hostname) };
  }
  if (message.includes("corrupt message") || known === "plain") {
    return { fault: "plain", reason: "it does not speak TLS" };
  }
  if (isCut(error)) {
    return { fault: "cut", reason: "it closed the connection in the TLS handshake" };
  }
  return { fault: "other", reason: otherFault(message, error) };
}

/** The codes that Node gives to what OpenSSL finds. */
const OPENSSL_FAULTS: ReadonlyMap<string, TLSFault> = new Map([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "untrusted"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "untrusted"],
  ["UNABLE_TO_GET_ISSUER_CERT", "untrusted"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "untrusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "untrusted"],
  ["CERT_HAS_EXPIRED", "expired"],
  ["CERT_NOT_YET_VALID", "not_yet_valid"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "other_name"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "plain"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "plain"],
]);

/** Returns the day of a time in seconds since 1970 that a message tells, with a word before; empty where it tells none. */
function onDay(message: string, pattern: RegExp): string {
  const seconds = Number(pattern.exec(message)?.[1] ?? NaN);
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "" : ` on ${dayOf(date)}`;
}

function clock(now: Date): string {
  return `and this machine's clock says ${dayOf(now)}`;
}

/** Returns a date as a message shows it: the day, by UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** Names of a certificate that a message shows: enough to recognize it. */
const MAX_NAMES = 3;

function otherName(message: string, hostname: string): string {
  const names = [...message.matchAll(/DnsName\("([^"]*)"\)|IpAddress\(([^)]*)\)/g)]
    .map(([, name, address]) => name ?? address ?? "");
  if (names.length === 0) return `its certificate is not for ${hostname}`;
  const shown = names.slice(0, MAX_NAMES).join(", ");
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `its certificate is for ${shown}${more}, not for ${hostname}`;
}

function isCut(error: unknown): boolean {
  return (error instanceof Error && error.name === "UnexpectedEof") ||
    ["ECONNRESET", "ECONNABORTED", "EPIPE"].includes(systemCode(error));
}

/** What the peer refuses a handshake with (RFC 8446 section 6.2), as rustls spells it. */
const ALERTS: ReadonlyMap<string, string> = new Map([
  ["HandshakeFailure", "it speaks no TLS that this client does (1.2 or 1.3)"],
  ["ProtocolVersion", "it speaks no TLS that this client does (1.2 or 1.3)"],
  ["UnrecognizedName", "it has no certificate for that name"],
  ["UnrecognisedName", "it has no certificate for that name"],
  ["NoApplicationProtocol", "it does not offer HTTP/1.1 over TLS"],
  ["CertificateRequired", "it wants a certificate of the client, which has none"],
]);

function otherFault(message: string, error: unknown): string {
  const [, alert] = /received fatal alert: (\w+)/.exec(message) ?? [];
  if (alert !== undefined) return ALERTS.get(alert) ?? `it refused the TLS handshake (${alert})`;
  const [, fault] = /invalid peer certificate: (.+)/.exec(message) ?? [];
  if (fault !== undefined) return `its certificate cannot be used (${fault})`;
  return `the TLS handshake failed (${systemReason(error)})`;
}
