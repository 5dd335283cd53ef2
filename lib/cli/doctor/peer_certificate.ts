import { once } from "node:events";
import { connect } from "node:tls";
import { DEFAULT_PORTS, withoutBrackets } from "../../net/authority.ts";
import { serverNameFor } from "../../net/tls_handshake.ts";
import { waitAtMost } from "../../net/with_timeout.ts";

/** From when and until when a certificate is good. */
export interface Life {
  readonly from: Date;
  readonly until: Date;
}

/** What a certificate says of itself. */
export interface CertificateDetails extends Life {
  /** Who signed it. */
  readonly issuer: string;
  /** The DNS names that it is for. */
  readonly names: readonly string[];
}

/** Milliseconds that are spent on what only makes the table richer. */
const TIMEOUT = 5_000;

/** Returns what the certificate of the server at a URL says; null where this runtime or the server does not tell. */
export async function peerCertificate(url: URL): Promise<CertificateDetails | null> {
  const host = withoutBrackets(url.hostname);
  const socket = connect({
    host: host.endsWith(".localhost") ? "localhost" : host,
    port: url.port === "" ? DEFAULT_PORTS.https : Number(url.port),
    servername: serverNameFor(host),
    // Whether it is trusted is looked at elsewhere, by what connections here go by.
    rejectUnauthorized: false,
  });
  try {
    await waitAtMost(TIMEOUT, once(socket, "secureConnect"));
    const { issuer, subjectaltname, valid_from, valid_to } = socket.getPeerCertificate();
    return {
      issuer: one(issuer.O) ?? one(issuer.CN) ?? "itself",
      names: dnsNames(subjectaltname),
      from: new Date(valid_from),
      until: new Date(valid_to),
    };
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}

/** Returns the DNS names in a list as OpenSSL writes it: `DNS:a.example, IP Address:192.0.2.1`. */
function dnsNames(list: string | undefined): string[] {
  return [...(list ?? "").matchAll(/DNS:([^\s,]+)/g)].map(([, name]) => name ?? "");
}

/** Returns the days that a certificate is still good for, rounded down. */
export function daysLeft({ until }: Life, now: Date): number {
  return Math.floor((until.getTime() - now.getTime()) / DAY);
}

/** Whether so little of its life is left that its renewal must have failed: those that renew begin at a third. */
export function isOverdue({ from, until }: Life, now: Date): boolean {
  const life = until.getTime() - from.getTime();
  return until.getTime() - now.getTime() < life / OVERDUE_PART;
}

const OVERDUE_PART = 6;

/** Milliseconds. */
const DAY = 86_400_000;

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
