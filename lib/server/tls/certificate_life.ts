import { decodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import type { Certificate } from "./certificate_source.ts";
import { ALTERNATIVE_NAME, DNS_NAME } from "./certificate_request.ts";
import { contextTag, der, type DERValue, objectIdentifier, readDER, Tag } from "./der.ts";

/** When a certificate is good, and for which names. */
export interface CertificateLife {
  readonly from: Date;
  readonly to: Date;
  /** DNS names, in lower case. */
  readonly names: readonly string[];
}

/** After this part of its life a certificate is renewed: what is left is time for authority and operator to be repaired in. */
const RENEWED_AFTER = 2 / 3;

/**
 * Reads the first certificate of a chain (RFC 5280 section 4.1); null when there is none that can be read.
 * The X509Certificate of Deno 2.4 has no names, and no octets either.
 */
export function certificateLife({ cert }: Pick<Certificate, "cert">): CertificateLife | null {
  const [, base64] = CERTIFICATE.exec(cert) ?? [];
  if (base64 === undefined) return null;
  try {
    const certificate = within(readDER(decodeBase64(base64.replaceAll(/\s/g, "")))[0]);
    const fields = within(certificate[0]);
    // Certificates of the first version do not name it.
    if (fields[0]?.tag === VERSION) fields.shift();
    const [from, to] = within(fields[3]).map(timeOf);
    if (from === undefined || to === undefined) return null;
    return { from, to, names: namesIn(fields.find(({ tag }) => tag === EXTENSIONS)) };
  } catch (error) {
    // A RangeError is of what is no DER, the other of what is no base64.
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/;

const VERSION = contextTag(0, { isConstructed: true });
const EXTENSIONS = contextTag(3, { isConstructed: true });

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

/** Reads what a constructed value holds. @throws {RangeError} for another one, or none. */
function within(value: DERValue | undefined): DERValue[] {
  if (value === undefined || (value.tag & CONSTRUCTED) === 0) {
    throw new RangeError("no values within this one");
  }
  return readDER(value.contents);
}

/** The bit of a tag that says that the value holds others. */
const CONSTRUCTED = 0x20;

/** Reads a time, which has seconds and ends with Z here (RFC 5280 section 4.1.2.5). @throws {RangeError} for another. */
function timeOf({ tag, contents }: DERValue): Date {
  const text = new TextDecoder().decode(contents);
  // The years of two digits go from 1950 to 2049.
  const digits = tag === Tag.UTCTime ? `${text < "5" ? "20" : "19"}${text}` : text;
  const time = new Date(digits.replace(TIME, "$1-$2-$3T$4:$5:$6Z"));
  if (Number.isNaN(time.getTime())) throw new RangeError("no time of a certificate");
  return time;
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Returns the DNS names among those that an extension lists (RFC 5280 section 4.2.1.6). */
function namesIn(extensions: DERValue | undefined): string[] {
  if (extensions === undefined) return [];
  const [list] = within(extensions);
  for (const [identifier, ...rest] of within(list).map(within)) {
    const value = rest.at(-1);
    if (identifier === undefined || value === undefined || !isAlternativeName(identifier)) continue;
    // An octet string holds the extension's own value.
    const names = within(readDER(value.contents)[0]).filter(({ tag }) => tag === DNS_NAME);
    return names.map(({ contents }) => new TextDecoder().decode(contents).toLowerCase());
  }
  return [];
}

function isAlternativeName({ tag, contents }: DERValue): boolean {
  return encodeHex(der(tag, contents)) === ALTERNATIVE_NAME_HEX;
}

const ALTERNATIVE_NAME_HEX = encodeHex(objectIdentifier(ALTERNATIVE_NAME));
