import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { encodeBase64Url } from "@std/encoding/base64url";
import { decodeBase64UrlExactly } from "./key.ts";

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;

const encoder = new TextEncoder();

/**
 * Proves that one knows the server's token: HMAC-SHA-256 (RFC 2104) of the claim's JWS under it, in base64url.
 *
 * The claim names the server, this connection's challenge and the key, so a proof is worth nothing with any other of
 * these, and a server that is not the one meant learns no token.
 */
export async function proveToken(token: string, jws: string): Promise<string> {
  return encodeBase64Url(await macOf(token, jws));
}

/** Tells, in a time that does not depend on where they differ, whether a proof is the one for token and JWS. */
export async function isTokenProof(proof: string, token: string, jws: string): Promise<boolean> {
  const expected = await macOf(token, jws);
  const given = decodeBase64UrlExactly(proof);
  return given?.length === expected.length && timingSafeEqual(given, expected);
}

/** Compares in a time that does not tell where the texts differ. */
export function isSameText(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function macOf(token: string, jws: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", encoder.encode(token), HMAC, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(HMAC.name, key, encoder.encode(jws)));
}
