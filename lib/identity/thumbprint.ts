import { encodeBase32 } from "@std/encoding/base32";
import { encodeBase64Url } from "@std/encoding/base64url";
import { decodeBase64UrlExactly } from "./key.ts";

/** Bytes of a thumbprint, which is a SHA-256. */
const THUMBPRINT_LENGTH = 32;

/** Returns the RFC 7638 thumbprint of an Ed25519 public key, in base64url; its members are those of RFC 8037 section 2. */
export async function thumbprintOf(publicKey: Uint8Array): Promise<string> {
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64Url(publicKey)}"}`;
  return encodeBase64Url(await sha256(jwk));
}

/** Returns the id of a tunnel, 52 characters of base32: the SHA-256 of the thumbprint's text with the label behind it. */
export async function tunnelId(thumbprint: string, label = ""): Promise<string> {
  return encodeBase32(await sha256(thumbprint + label)).replaceAll("=", "").toLowerCase();
}

/** Tells whether a text can be a key's thumbprint. */
export function isThumbprint(text: string): boolean {
  return decodeBase64UrlExactly(text)?.length === THUMBPRINT_LENGTH;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
