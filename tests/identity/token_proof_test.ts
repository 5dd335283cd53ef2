import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { isTokenProof, proveToken } from "../../lib/identity/token_proof.ts";

const JWS = "eyJh.eyJi.c2ln";

/** The digits of base64url, from 0 to 63 (RFC 4648 section 5). */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Deno.test("proveToken is HMAC-SHA-256 of the JWS under the token, and tells neither", async () => {
  for (const token of ["secret", "pässword with blanks", "x".repeat(1000)]) {
    const proof = await proveToken(token, JWS);
    assertEquals(proof, createHmac("sha256", token).update(JWS).digest("base64url"));
    assert(!proof.includes(token));
    assert(await isTokenProof(proof, token, JWS));
  }
});

Deno.test("isTokenProof refuses the proof of another token, another claim and any other text", async () => {
  const proof = await proveToken("secret", JWS);
  assert(!await isTokenProof(proof, "Secret", JWS));
  assert(!await isTokenProof(proof, "secret", `${JWS}A`), "another server, challenge or key");
  assertNotEquals(await proveToken("secret", "a.b.c"), proof);
  for (
    const text of ["", "secret", proof.slice(1), `${proof}AAAA`, "!".repeat(43), "x".repeat(9000)]
  ) {
    assert(!await isTokenProof(text, "secret", JWS), text);
  }
});

Deno.test("isTokenProof takes only the one text of the digest: no padding, no bits that mean nothing", async () => {
  const proof = await proveToken("secret", JWS);
  assert(await isTokenProof(proof, "secret", JWS));
  // 43 characters are 258 bits, of which a digest needs 256.
  const [last = ""] = proof.slice(-1);
  const same = ALPHABET[ALPHABET.indexOf(last) + 1] ?? "";
  for (const text of [`${proof}=`, ` ${proof}`, `${proof}\n`, proof.slice(0, -1) + same]) {
    assert(!await isTokenProof(text, "secret", JWS), text);
  }
});

Deno.test("isTokenProof compares digests of one length, whatever the token's is", async () => {
  for (const token of ["a", "a".repeat(64), "a".repeat(10_000)]) {
    assertEquals((await proveToken(token, JWS)).length, 43);
    assert(!await isTokenProof(await proveToken("b", JWS), token, JWS));
  }
});
