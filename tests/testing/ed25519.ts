import { decodeHex } from "@std/encoding/hex";
import type { SigningKey } from "../../lib/identity/key.ts";

/** The order of the base point (RFC 8032 section 5.1). */
export const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The field's prime. */
const P = 2n ** 255n - 19n;

/** The curve's constant d. */
const D = mod(-121665n * power(121666n, P - 2n));

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const IDENTITY: Point = { x: 0n, y: 1n };

/** The key pair of RFC 8037 appendix A, which is test 1 of RFC 8032 section 7.1. */
export const RFC_8037_KEY = {
  publicKey: decodeHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
  pkcs8: decodeHex(
    "302e020100300506032b657004220420" +
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
  ),
};

/** Makes a fresh key pair. */
export async function newSigningKey(): Promise<SigningKey> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("publicKey" in pair)) throw new TypeError("Ed25519 keys come in pairs");
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
}

/** Computes, from the curve's equation alone, every encoding of a point whose order divides 8. */
export function lowOrderEncodings(): Uint8Array<ArrayBuffer>[] {
  const found = new Set<bigint>();
  for (let y = 2n; found.size < 5; y++) {
    const x = recoverX(y);
    // The order of a random point times the base point's order divides the cofactor.
    if (x !== undefined) collect(multiply({ x, y }, GROUP_ORDER), found);
  }
  const encodings: Uint8Array<ArrayBuffer>[] = [];
  for (const y of found) {
    // Below 2^255 some have a second encoding, above the prime.
    for (const value of [y, y + P].filter((each) => each < 2n ** 255n)) {
      encodings.push(littleEndian(value), littleEndian(value | 2n ** 255n));
    }
  }
  return encodings;
}

/** Returns the encodings, with either sign, of numbers from the prime to 2^255 - 1: none is canonical. */
export function encodingsAbovePrime(): Uint8Array<ArrayBuffer>[] {
  const encodings: Uint8Array<ArrayBuffer>[] = [];
  for (let y = P; y < 2n ** 255n; y++) {
    encodings.push(littleEndian(y), littleEndian(y | 2n ** 255n));
  }
  return encodings;
}

/** Returns the signature with the group's order added to S: the same signature to a verifier that does not look. */
export function withGroupOrderAdded(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  let s = 0n;
  for (let i = 63; i >= 32; i--) s = s * 256n + BigInt(signature[i] ?? 0);
  const changed = signature.slice();
  changed.set(littleEndian(s + GROUP_ORDER), 32);
  return new Uint8Array(changed);
}

/** Adds the y of a point's multiples: one generator of the torsion gives them all. */
function collect(point: Point, found: Set<bigint>): void {
  let sum = IDENTITY;
  for (let i = 0; i < 8; i++) {
    found.add(sum.y);
    sum = add(sum, point);
  }
}

function add(a: Point, b: Point): Point {
  const product = mod(D * a.x * b.x * a.y * b.y);
  return {
    x: mod((a.x * b.y + b.x * a.y) * power(1n + product, P - 2n)),
    y: mod((a.y * b.y + a.x * b.x) * power(1n - product, P - 2n)),
  };
}

function multiply(point: Point, factor: bigint): Point {
  let sum = IDENTITY;
  for (let doubled = point; factor > 0n; factor >>= 1n, doubled = add(doubled, doubled)) {
    if (factor & 1n) sum = add(sum, doubled);
  }
  return sum;
}

/** Returns an x for y on the curve, as RFC 8032 section 5.1.3 computes it. */
function recoverX(y: bigint): bigint | undefined {
  const square = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  const root = power(square, (P + 3n) / 8n);
  for (const x of [root, mod(root * power(2n, (P - 1n) / 4n))]) {
    if (mod(x * x) === square) return x;
  }
  return undefined;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = mod(base); exponent > 0n; exponent >>= 1n, square = mod(square * square)) {
    if (exponent & 1n) result = mod(result * square);
  }
  return result;
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++, value >>= 8n) bytes[i] = Number(value & 0xffn);
  return bytes;
}
