import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { hashedPolicy } from "../../lib/client/hashed_policy.ts";
import {
  decodeVisitorPolicy,
  encodeVisitorPolicy,
  OPEN_POLICY,
} from "../../lib/identity/visitor_policy.ts";

Deno.test("hashedPolicy of no wishes are none", async () => {
  assertEquals(await hashedPolicy({ basicAuth: null, allowIp: [] }), OPEN_POLICY);
});

Deno.test("hashedPolicy hash the password with PBKDF2 and a salt that is new each time", async () => {
  const wishes = { basicAuth: { user: "zoë", password: "pass:wörd" }, allowIp: [] };
  const { basicAuth } = await hashedPolicy(wishes);
  assert(basicAuth !== null);
  const { user, salt, hash, iterations } = basicAuth;
  assertEquals(user, "zoë");
  const password = new TextEncoder().encode("pass:wörd");
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: decodeBase64Url(salt), iterations };
  assertEquals(hash, encodeBase64Url(await crypto.subtle.deriveBits(algorithm, key, 256)));
  assertNotEquals((await hashedPolicy(wishes)).basicAuth?.salt, salt);
});

Deno.test("hashedPolicy give a claim that the server accepts and that tells no password", async () => {
  const wishes = { basicAuth: { user: "a", password: "hunter2" }, allowIp: ["10.0.0.0/8", "::1"] };
  const policy = await hashedPolicy(wishes);
  assertEquals(policy.allowIp, ["10.0.0.0/8", "::1"]);
  assertEquals(decodeVisitorPolicy(encodeVisitorPolicy(policy)), policy);
  assert(!JSON.stringify(policy).includes("hunter2"));
});
