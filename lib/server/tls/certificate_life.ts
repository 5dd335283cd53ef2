import { X509Certificate } from "node:crypto";
import type { Certificate } from "./certificate_source.ts";

/** When a certificate is good, and for which names. */
export interface CertificateLife {
  readonly from: Date;
  readonly to: Date;
  /** DNS names, in lower case. */
  readonly names: readonly string[];
}

/** After this part of its life a certificate is renewed: what is left is time for authority and operator to be repaired in. */
const RENEWED_AFTER = 2 / 3;

/** Reads the first certificate of a chain; null when there is none that can be read. */
export function certificateLife({ cert }: Pick<Certificate, "cert">): CertificateLife | null {
  try {
    const { validFrom, validTo, subjectAltName = "" } = new X509Certificate(cert);
    const [from, to] = [new Date(validFrom), new Date(validTo)];
    if (Number.isNaN(from.getTime()) || Number.isNaN(to.getTime())) return null;
    const names = [...subjectAltName.matchAll(/(?:^|, )DNS:([^,]+)/g)]
      .map(([, name = ""]) => name.toLowerCase());
    return { from, to, names };
  } catch {
    return null;
  }
}

/** Returns when a certificate is to be renewed. */
export function renewalTime({ from, to }: Pick<CertificateLife, "from" | "to">): Date {
  return new Date(from.getTime() + (to.getTime() - from.getTime()) * RENEWED_AFTER);
}

/** Tells whether a certificate is good at that time for all these names, as a browser matches them (RFC 6125 section 6.4.3). */
export function isGoodFor(
  life: CertificateLife,
  names: readonly string[],
  now: Date,
): boolean {
  return life.from <= now && now < life.to && names.every((name) => life.names.includes(name));
}
