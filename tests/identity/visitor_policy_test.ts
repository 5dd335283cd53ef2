import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import {
  decodeVisitorPolicy,
  encodeVisitorPolicy,
  isTooLong,
  makeVisitorPolicy,
  MAX_ALLOWED,
  MAX_LIMIT,
  MAX_USERS,
  NO_LIMITS,
  OPEN_POLICY,
  type VisitorPolicy,
} from "../../lib/identity/visitor_policy.ts";
import {
  isUser,
  MAX_ITERATIONS,
  MAX_USER_LENGTH,
  MIN_ITERATIONS,
} from "../../lib/identity/password_hash.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { RegistrationError } from "../../lib/wire/registration_error.ts";

const BASIC_AUTH = {
  user: "zoë",
  salt: "AAECAwQFBgcICQoLDA0ODw",
  hash: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
  iterations: 100_000,
};

Deno.test("decodeVisitorPolicy reads back what encodeVisitorPolicy made", () => {
  const options: VisitorPolicy[] = [
    {
      ...OPEN_POLICY,
      basicAuth: [BASIC_AUTH],
      allowIp: ["10.0.0.0/8", "2001:db8::1", "::ffff:1.2.3.4/128"],
    },
    { ...OPEN_POLICY, allowIp: ["127.0.0.1"] },
    { ...OPEN_POLICY, basicAuth: [BASIC_AUTH] },
    { ...OPEN_POLICY, basicAuth: [BASIC_AUTH, { ...BASIC_AUTH, user: "ann" }], login: true },
    {
      ...OPEN_POLICY,
      limits: { rate: { count: 10, period: 60_000 }, streams: 5, body: 1_000, timeout: 2_000 },
    },
    { ...OPEN_POLICY, limits: { ...NO_LIMITS, body: MAX_LIMIT } },
  ];
  for (const policy of options) {
    const decoded = decodeVisitorPolicy(JSON.parse(JSON.stringify(encodeVisitorPolicy(policy))));
    assertEquals(decoded, policy);
  }
  assertEquals(encodeVisitorPolicy(OPEN_POLICY), undefined);
  assertEquals(decodeVisitorPolicy(undefined), OPEN_POLICY);
  assertEquals(decodeVisitorPolicy({}), OPEN_POLICY);
});

Deno.test("decodeVisitorPolicy refuses anything but a JSON object, and every member that it does not know", () => {
  for (const value of [null, [], "x", 1, true]) refused(value);
  refused({ allowIP: ["10.0.0.1"] });
  refused({ basicAuth: BASIC_AUTH, oauth: {} });
  refused({ basicAuth: { ...BASIC_AUTH, password: "x" } });
  refused(JSON.parse('{"__proto__":{"allowIp":["10.0.0.1"]}}'));
});

Deno.test("decodeVisitorPolicy tells all that a user must not have", () => {
  const policy = { basicAuth: { ...BASIC_AUTH, user: "a\nb" } };
  const { message } = assertThrows(() => decodeVisitorPolicy(policy), RegistrationError);
  assertStringIncludes(message, "without a colon or control characters");
});

Deno.test("decodeVisitorPolicy refuses a password's hash that is not exactly as it must be", () => {
  for (
    const wrong of [
      { user: undefined },
      { user: "" },
      { user: "a:b" },
      { user: "a\nb" },
      { user: "\ud800" },
      { user: "x".repeat(MAX_USER_LENGTH + 1) },
      { user: "ë".repeat(MAX_USER_LENGTH / 2 + 1) },
      { user: ["x"] },
      { salt: "" },
      { salt: `${BASIC_AUTH.salt}==` },
      { salt: BASIC_AUTH.salt.slice(1) },
      { salt: `${BASIC_AUTH.salt.slice(0, -1)}x` },
      { salt: null },
      { hash: BASIC_AUTH.salt },
      { hash: `${BASIC_AUTH.hash.slice(0, -1)}!` },
      { iterations: MIN_ITERATIONS - 1 },
      { iterations: MAX_ITERATIONS + 1 },
      { iterations: 20_000.5 },
      { iterations: "100000" },
    ]
  ) {
    refused({ basicAuth: { ...BASIC_AUTH, ...wrong } });
  }
  for (const basicAuth of [null, "user:password", [], {}]) refused({ basicAuth });
});

Deno.test("decodeVisitorPolicy refuses users that are none, too many or there twice, and a login of nobody", () => {
  const users = Array.from({ length: MAX_USERS + 1 }, (_, i) => ({ ...BASIC_AUTH, user: `${i}` }));
  assertEquals(
    decodeVisitorPolicy({ basicAuth: users.slice(1) }).basicAuth.length,
    MAX_USERS,
  );
  for (const basicAuth of [users, [BASIC_AUTH, BASIC_AUTH], [BASIC_AUTH, null]]) {
    refused({ basicAuth });
  }
  refused({ login: true });
  for (const login of [false, null, "true", 1, {}]) refused({ basicAuth: BASIC_AUTH, login });
});

Deno.test("decodeVisitorPolicy refuses limits that are no whole numbers from 1", () => {
  for (const wrong of [0, -1, 1.5, NaN, Infinity, MAX_LIMIT + 1, "1", null, [1], true]) {
    for (const name of ["streams", "body", "timeout"]) refused({ [name]: wrong });
    refused({ rate: { count: wrong, period: 1000 } });
    refused({ rate: { count: 1, period: wrong } });
  }
  for (const rate of [null, 1, [], {}, { count: 1 }, { count: 1, period: 1, burst: 1 }]) {
    refused({ rate });
  }
});

Deno.test("decodeVisitorPolicy refuses an empty list, a long one, and letters that no address has", () => {
  for (
    const network of ["", "x", "example.com", "10.0.0.0/", "10.0.0.0/1234", "1.2.3.4 ", 1, null]
  ) {
    refused({ allowIp: ["127.0.0.1", network] });
  }
  for (const allowIp of [[], null, "127.0.0.1", {}]) refused({ allowIp });
  refused({ allowIp: Array.from({ length: MAX_ALLOWED + 1 }, () => "127.0.0.1") });
});

Deno.test("isUser counts bytes, not characters", () => {
  assert(isUser("x".repeat(MAX_USER_LENGTH)) && isUser("ë".repeat(MAX_USER_LENGTH / 2)));
  assert(!isUser("€".repeat(MAX_USER_LENGTH / 2)));
});

function refused(value: unknown): void {
  const error = assertThrows(
    () => decodeVisitorPolicy(value),
    RegistrationError,
    "",
    JSON.stringify(value),
  );
  assertEquals([error.code, error.permanent], ["bad_policy", true]);
}

Deno.test("makeVisitorPolicy of no rules lets everybody in", async () => {
  assertEquals(await makeVisitorPolicy(OPEN_POLICY), OPEN_POLICY);
});

Deno.test("makeVisitorPolicy hashes the password with PBKDF2 and a salt that is new each time", async () => {
  const wishes = { ...OPEN_POLICY, basicAuth: [{ user: "zoë", password: "pass:wörd" }] };
  const { basicAuth: [basicAuth] } = await makeVisitorPolicy(wishes);
  assert(basicAuth !== undefined);
  const { user, salt, hash, iterations } = basicAuth;
  assertEquals(user, "zoë");
  const password = new TextEncoder().encode("pass:wörd");
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: decodeBase64Url(salt), iterations };
  assertEquals(hash, encodeBase64Url(await crypto.subtle.deriveBits(algorithm, key, 256)));
  assertNotEquals((await makeVisitorPolicy(wishes)).basicAuth[0]?.salt, salt);
});

Deno.test("makeVisitorPolicy takes the same salt for a user of the same key, and tells apart users and keys", async () => {
  const keys = [await newSigningKey(), await newSigningKey()];
  const salts = async (user: string) =>
    await Promise.all([...keys, ...keys].map(async (key) => {
      const rules = { ...OPEN_POLICY, basicAuth: [{ user, password: "secret" }] };
      return (await makeVisitorPolicy(rules, key)).basicAuth[0]?.salt;
    }));
  const [first, second, again] = await salts("ann");
  assertEquals(again, first);
  assertEquals(new Set([first, second, ...await salts("bob")]).size, 4);
});

Deno.test("isTooLong leaves room for the rest of a registration", () => {
  const user = { user: '"'.repeat(MAX_USER_LENGTH), password: "" };
  const allowIp = Array.from({ length: MAX_ALLOWED }, () => `${"1".repeat(45)}/128`);
  assert(!isTooLong({ ...OPEN_POLICY, basicAuth: [user], allowIp }));
  const users = Array.from({ length: MAX_USERS }, (_, i) => ({ user: `user ${i}`, password: "" }));
  assert(!isTooLong({ ...OPEN_POLICY, basicAuth: users }));
  assert(isTooLong({ ...OPEN_POLICY, basicAuth: users, allowIp }));
});

Deno.test("makeVisitorPolicy gives a claim that the server accepts and that tells no password", async () => {
  const wishes = {
    ...OPEN_POLICY,
    basicAuth: [{ user: "a", password: "hunter2" }],
    allowIp: ["10.0.0.0/8", "::1"],
  };
  const policy = await makeVisitorPolicy(wishes);
  assertEquals(policy.allowIp, ["10.0.0.0/8", "::1"]);
  assertEquals(decodeVisitorPolicy(encodeVisitorPolicy(policy)), policy);
  assert(!JSON.stringify(policy).includes("hunter2"));
});
