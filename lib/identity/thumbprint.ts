import { encodeBase32 } from "@std/encoding/base32";
import { encodeBase64Url } from "@std/encoding/base64url";
import { decodeHex } from "@std/encoding/hex";

/** Bytes of an Ed25519 public key (RFC 8032 section 5.1.5). */
export const PUBLIC_KEY_LENGTH = 32;

/** Returns the RFC 7638 thumbprint of an Ed25519 public key, in base64url; its members are those of RFC 8037 section 2. */
export async function thumbprintOf(publicKey: Uint8Array): Promise<string> {
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64Url(publicKey)}"}`;
  return encodeBase64Url(await sha256(jwk));
}

/** Returns the id of a tunnel, 52 characters of base32: the SHA-256 of the thumbprint's text with the label behind it. */
export async function tunnelId(thumbprint: string, label = ""): Promise<string> {
  return encodeBase32(await sha256(thumbprint + label)).replaceAll("=", "").toLowerCase();
}

/**
 * Whether a key is a point of low order, for which anybody can forge signatures, or not the one
 * encoding of its point (RFC 8032 section 5.1.3).
 */
export function isWeakKey(publicKey: Uint8Array): boolean {
  const y = publicKey.slice();
  const last = PUBLIC_KEY_LENGTH - 1;
  // The sign of x is the highest bit; each of these points is as bad with either sign.
  y[last] = (y[last] ?? 0) & 0x7f;
  return isAbovePrime(y) || LOW_ORDER.some((point) => point.every((byte, i) => byte === y[i]));
}

/** Whether y is 2^255 - 19 or more: such an encoding stands for a point that has another one. */
function isAbovePrime(y: Uint8Array): boolean {
  if ((y[0] ?? 0) < 0xed || y[PUBLIC_KEY_LENGTH - 1] !== 0x7f) return false;
  return y.subarray(1, PUBLIC_KEY_LENGTH - 1).every((byte) => byte === 0xff);
}

/** The y coordinates of the eight points whose order divides the cofactor, in their canonical encoding. */
const LOW_ORDER: readonly Uint8Array[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map((hex) => decodeHex(hex));

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
