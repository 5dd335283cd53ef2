import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { decodeHex } from "@std/encoding/hex";

/** A key pair whose private half never leaves WebCrypto. */
export interface SigningKey {
  readonly privateKey: CryptoKey;
  /** The 32 raw bytes of the public half. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

/** Bytes of an Ed25519 public key (RFC 8032 section 5.1.5). */
export const PUBLIC_KEY_LENGTH = 32;

/**
 * Decodes base64url without padding (RFC 4648 section 5), as keys, hashes and signatures are written. Of all texts that
 * stand for some bytes only the canonical one is accepted: a key or a proof must not have two spellings.
 */
export function decodeBase64UrlExactly(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = decodeBase64Url(text);
    return encodeBase64Url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a key is weak: a point of low order, whose signatures can be forged without a key, or a
 * second encoding of a point (RFC 8032 section 5.1.3).
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
