import { contextTag, der, objectIdentifier, sequence, Tag, unsignedInteger } from "./der.ts";
import { type CertificateKey, SIGNATURE_ALGORITHM, toPEM } from "./certificate_key.ts";
import type { Certificate } from "./certificate_source.ts";

/** Asks for a certificate of these names (RFC 2986), in DER. The subject stays empty: names stand among the alternative ones alone. */
export async function certificateRequest(
  names: readonly string[],
  key: CertificateKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const attribute = sequence(
    objectIdentifier(EXTENSION_REQUEST),
    der(Tag.Set, extensions(names)),
  );
  return await key.sign(sequence(
    unsignedInteger(Uint8Array.of(0)),
    sequence(),
    key.publicKey,
    der(contextTag(0, { isConstructed: true }), attribute),
  ));
}

/** Makes a certificate that is its own authority, and nobody else's (RFC 5280 section 4.1). */
export async function selfSigned(
  names: readonly string[],
  key: CertificateKey,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<Certificate> {
  const commonName = sequence(objectIdentifier(COMMON_NAME), text("no certificate yet"));
  const name = sequence(der(Tag.Set, commonName));
  const octets = await key.sign(sequence(
    der(contextTag(0, { isConstructed: true }), unsignedInteger(Uint8Array.of(VERSION_3))),
    unsignedInteger(crypto.getRandomValues(new Uint8Array(SERIAL_LENGTH))),
    SIGNATURE_ALGORITHM,
    name,
    sequence(time(from), time(to)),
    name,
    key.publicKey,
    der(contextTag(3, { isConstructed: true }), extensions(names)),
  ));
  return { cert: toPEM("CERTIFICATE", octets), key: key.pem };
}

/** The extension with the names that a certificate is for, and the tag of one that is a DNS name (RFC 5280 section 4.2.1.6). */
export const ALTERNATIVE_NAME = "2.5.29.17";
export const DNS_NAME = contextTag(2, { isConstructed: false });

/** RFC 2985 section 5.4.2 and RFC 5280 appendix A.1. */
const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const COMMON_NAME = "2.5.4.3";

/** Version 3 is written as 2. */
const VERSION_3 = 2;

/** Octets of a serial number: 20 at most, with a sign (RFC 5280 section 4.1.2.2). */
const SERIAL_LENGTH = 16;

function extensions(names: readonly string[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const list = sequence(...names.map((name) => der(DNS_NAME, encoder.encode(name))));
  return sequence(sequence(objectIdentifier(ALTERNATIVE_NAME), der(Tag.OctetString, list)));
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return der(Tag.UTF8String, new TextEncoder().encode(value));
}

/** Writes a time as `20260101000000Z` (RFC 5280 section 4.1.2.5.2). */
function time(date: Date): Uint8Array<ArrayBuffer> {
  const digits = date.toISOString().replace(/\.\d+Z$/, "").replaceAll(/[^0-9]/g, "");
  return der(Tag.GeneralizedTime, new TextEncoder().encode(`${digits}Z`));
}
