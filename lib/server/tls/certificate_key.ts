import { encodeBase64 } from "@std/encoding/base64";
import { createPublicKey, X509Certificate } from "node:crypto";
import type { Certificate } from "./certificate_source.ts";
import { bitString, objectIdentifier, sequence, unsignedInteger } from "./der.ts";

/** ECDSA over P-256, which every browser takes and every authority signs. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;

/** ecdsa-with-SHA256 (RFC 5758 section 3.2). */
export const SIGNATURE_ALGORITHM = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

/** Octets of one of the two numbers in a signature. */
const HALF = 32;

/** The key of one certificate, which is never used for another one. */
export class CertificateKey {
  /** The private key, as PKCS #8 in PEM. */
  readonly pem: string;
  /** The public key, as SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  readonly #private: CryptoKey;

  private constructor(pem: string, publicKey: Uint8Array, key: CryptoKey) {
    this.pem = pem;
    this.publicKey = publicKey;
    this.#private = key;
  }

  static async make(): Promise<CertificateKey> {
    const { publicKey, privateKey } = await crypto.subtle.generateKey(ALGORITHM, true, [
      "sign",
      "verify",
    ]);
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
    const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
    return new CertificateKey(toPEM("PRIVATE KEY", pkcs8), spki, privateKey);
  }

  /** Puts a signature behind what is signed, as certificates and requests for them have it (RFC 5280 section 4.1). */
  async sign(signed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const how = { name: ALGORITHM.name, hash: "SHA-256" };
    const raw = new Uint8Array(await crypto.subtle.sign(how, this.#private, signed));
    const signature = sequence(
      unsignedInteger(raw.subarray(0, HALF)),
      unsignedInteger(raw.subarray(HALF)),
    );
    return sequence(signed, SIGNATURE_ALGORITHM, bitString(signature));
  }
}

/** Tells whether a key in PEM is that of the first certificate of a chain; false as well for what cannot be read. */
export function isKeyOf({ cert, key }: Certificate): boolean {
  const form = { type: "spki", format: "der" } as const;
  try {
    const certified = new X509Certificate(cert).publicKey.export(form);
    return certified.equals(createPublicKey(key).export(form));
  } catch {
    return false;
  }
}

/** Writes octets as PEM (RFC 7468 section 2). */
export function toPEM(label: string, octets: Uint8Array): string {
  const lines = encodeBase64(octets).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
