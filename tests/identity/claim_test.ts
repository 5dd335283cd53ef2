import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { type Claim, isLabel, signClaim, verifyClaim } from "../../lib/identity/claim.ts";
import type { SigningKey } from "../../lib/identity/key.ts";
import {
  isTooLong,
  MAX_ALLOWED,
  MAX_LIMIT,
  MAX_USERS,
  OPEN_POLICY,
} from "../../lib/identity/visitor_policy.ts";
import { MAX_ITERATIONS, MAX_USER_LENGTH } from "../../lib/identity/password_hash.ts";
import { FEATURES } from "../../lib/wire/features.ts";
import { MAX_REGISTRATION_LENGTH } from "../../lib/wire/limits.ts";
import { decodeRequest, encodeMessage } from "../../lib/wire/messages.ts";
import { RegistrationError } from "../../lib/wire/registration_error.ts";
import { proveToken } from "../../lib/identity/token_proof.ts";
import { thumbprintOf } from "../../lib/identity/thumbprint.ts";
import {
  encodingsAbovePrime,
  lowOrderEncodings,
  newSigningKey,
  RFC_8037_KEY,
  withGroupOrderAdded,
} from "../testing/ed25519.ts";
import { goldenFrame } from "../testing/golden_frames.ts";
import { SeededRandom } from "../testing/seeded_random.ts";

type Json = Readonly<Record<string, unknown>>;

const AUDIENCE = "https://tunnel.example";
const NONCE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const CLAIM: Claim = {
  audience: AUDIENCE,
  nonce: NONCE,
  label: "blog",
  connection: 3,
  name: "shop",
  policy: { ...OPEN_POLICY, allowIp: ["10.0.0.0/8", "::1"] },
  features: ["notices"],
  mark: { client: "AbC-_9", service: "x".repeat(43) },
};

const KEY: SigningKey = {
  privateKey: await crypto.subtle.importKey("pkcs8", RFC_8037_KEY.pkcs8, "Ed25519", false, [
    "sign",
  ]),
  publicKey: RFC_8037_KEY.publicKey,
};

const X = encodeBase64Url(KEY.publicKey);
const JWK = { crv: "Ed25519", kty: "OKP", x: X };
const HEADER = { alg: "EdDSA", jwk: JWK };
const PAYLOAD = { aud: AUDIENCE, nonce: NONCE, iat: 1_750_000_000, connection: 0 };

Deno.test("verifyClaim returns what signClaim signed, with the key's thumbprint", async () => {
  const thumbprint = await thumbprintOf(KEY.publicKey);
  assertEquals(await verify(await signClaim(CLAIM, KEY)), { ...CLAIM, thumbprint });
  const unlabelled = {
    ...CLAIM,
    label: "",
    name: "",
    policy: OPEN_POLICY,
    features: [],
    mark: null,
  };
  assertEquals(await verify(await signClaim(unlabelled, KEY)), { ...unlabelled, thumbprint });
});

Deno.test("verifyClaim accepts the golden registration, and signing it again gives its bytes", async () => {
  const { jws } = decodeRequest(goldenFrame("registration").payload);
  assertEquals((await verify(jws)).connection, 0);
  assertEquals(await jwsOf(HEADER, PAYLOAD), jws);
});

Deno.test("verifyClaim refuses every other audience", async () => {
  for (
    const aud of [
      "http://tunnel.example",
      "HTTPS://tunnel.example",
      "https://Tunnel.example",
      "https://tunnel.example/",
      "https://tunnel.example:443",
      "https://tunnel.example.",
      "https://tunnel.example.evil",
      "https://user@tunnel.example",
      " https://tunnel.example",
      "https://tunnel.example\n",
      "tunnel.example",
      "",
    ]
  ) {
    await refused("wrong_audience", jwsOf(HEADER, { ...PAYLOAD, aud }));
  }
});

Deno.test("verifyClaim refuses an audience that is no text", async () => {
  for (const aud of [[AUDIENCE], [AUDIENCE, "x"], { 0: AUDIENCE }, null, 1, true, undefined]) {
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, aud }));
  }
});

Deno.test("verifyClaim refuses the answer to any other challenge", async () => {
  for (const nonce of ["", NONCE.slice(1), NONCE + "A", NONCE.toLowerCase(), `${NONCE}=`]) {
    await refused("wrong_nonce", jwsOf(HEADER, { ...PAYLOAD, nonce }));
  }
  for (const nonce of [null, 1, [NONCE], undefined]) {
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, nonce }));
  }
});

Deno.test("verifyClaim refuses a time or a connection number that is none", async () => {
  for (const iat of ["1", null, [], {}]) {
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, iat }));
  }
  for (const connection of [-1, 0.5, "0", null]) {
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, connection }));
  }
});

Deno.test("verifyClaim takes a claim without a time, and without a number for the client's only connection", async () => {
  assertEquals((await verify(await jwsOf(HEADER, { aud: AUDIENCE, nonce: NONCE }))).connection, 0);
});

Deno.test("verifyClaim keeps the features that this version has, and refuses anything but a list of names", async () => {
  const claimed = async (features: unknown) =>
    (await verify(await jwsOf(HEADER, { ...PAYLOAD, features }))).features;
  assertEquals(await claimed(["later", "notices"]), ["notices"]);
  assertEquals(await claimed(undefined), [], "an old client has no list");
  for (const features of [null, "notices", {}, [1], [""]]) {
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, features }));
  }
});

Deno.test("verifyClaim reads which client it is and what it serves, and refuses what is neither", async () => {
  const marked = async (members: Json) =>
    (await verify(await jwsOf(HEADER, { ...PAYLOAD, ...members }))).mark;
  assertEquals(await marked({}), null, "an old client tells nothing");
  assertEquals(await marked({ client: "a" }), { client: "a", service: "" });
  const unknown = { ...CLAIM, mark: { client: "a", service: "" } };
  assertEquals((await verify(await signClaim(unknown, KEY))).mark, unknown.mark);
  for (const wrong of ["", "x".repeat(44), "a b", "a=", 1, null, {}, ["a"]]) {
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, client: wrong }));
    await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, client: "a", service: wrong }));
  }
  await refused("malformed", jwsOf(HEADER, { ...PAYLOAD, service: "a" }));
});

Deno.test("verifyClaim knows no clock: any issued-at and any expiry will do for a fresh nonce", async () => {
  for (const iat of [0, -1, 4_000_000_000]) await verify(await jwsOf(HEADER, { ...PAYLOAD, iat }));
  for (const exp of [0, -1, "soon", null, {}]) {
    await verify(await jwsOf(HEADER, { ...PAYLOAD, exp, nbf: 4_000_000_000 }));
  }
  const infinite = raw(`${JSON.stringify(PAYLOAD).slice(0, -1)},"iat":1e400,"exp":-1e400}`);
  await verify(await signedText(part(HEADER), infinite));
});

Deno.test("verifyClaim refuses labels that are no DNS label in lower case", async () => {
  for (
    const label of ["", "-a", "a-", "A", "a.b", "ä", "a b", "a\n", "x".repeat(64), 1, null, {}]
  ) {
    await refused("bad_label", jwsOf(HEADER, { ...PAYLOAD, label }));
  }
  for (const label of ["a", "0", "a-b", "x".repeat(63)]) {
    assert(isLabel(label));
    assertEquals((await verify(await jwsOf(HEADER, { ...PAYLOAD, label }))).label, label);
  }
});

Deno.test("verifyClaim refuses alg none, HS256, ES256 and every other but EdDSA", async () => {
  const algorithms = [
    "none",
    "None",
    "",
    "HS256",
    "ES256",
    "RS256",
    "PS256",
    "Ed25519",
    "Ed448",
    "eddsa",
    "EdDSA ",
  ];
  for (const alg of [...algorithms, null, undefined, 1, ["EdDSA"], { a: 1 }]) {
    await refused("unsupported_algorithm", jwsOf({ ...HEADER, alg }, PAYLOAD));
  }
});

Deno.test("verifyClaim refuses an HMAC made with the public key as its secret", async () => {
  const signed = `${part({ ...HEADER, alg: "HS256" })}.${part(PAYLOAD)}`;
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", KEY.publicKey, hmac, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(signed));
  await refused("unsupported_algorithm", `${signed}.${encodeBase64Url(mac)}`);
});

Deno.test("verifyClaim refuses header members that change what is signed or where the key is", async () => {
  for (const name of ["crit", "b64", "jku", "x5u", "x5c", "kid", "zip"]) {
    for (const value of [["exp"], false, "https://evil.example/keys", null]) {
      await refused("malformed", jwsOf({ ...HEADER, [name]: value }, PAYLOAD));
    }
  }
});

Deno.test("verifyClaim ignores a type and other members that change nothing", async () => {
  await verify(await jwsOf({ typ: "JWT", ...HEADER }, { ...PAYLOAD, exp: 0, more: {} }));
});

Deno.test("verifyClaim refuses keys that are not an Ed25519 public key of 32 bytes", async () => {
  const bytes = KEY.publicKey;
  for (
    const jwk of [
      undefined,
      null,
      "key",
      [],
      {},
      { kty: "OKP", crv: "Ed25519" },
      { kty: "EC", crv: "P-256", x: X, y: X },
      { kty: "EC", crv: "Ed25519", x: X },
      { kty: "OKP", crv: "X25519", x: X },
      { kty: "OKP", crv: "Ed448", x: X },
      { kty: "oct", k: X },
      { kty: ["OKP"], crv: "Ed25519", x: X },
      { ...JWK, d: X },
      { ...JWK, d: null },
      { ...JWK, x: [X] },
      { ...JWK, x: "" },
      { ...JWK, x: `${X}=` },
      { ...JWK, x: ` ${X}` },
      { ...JWK, x: X.replaceAll("_", "/").replaceAll("-", "+") },
      { ...JWK, x: X.slice(0, -1) + "p" },
      { ...JWK, x: encodeBase64Url(bytes.subarray(1)) },
      { ...JWK, x: encodeBase64Url(new Uint8Array([...bytes, 0])) },
    ]
  ) {
    await refused("bad_key", jwsOf({ alg: "EdDSA", jwk }, PAYLOAD));
  }
});

Deno.test("verifyClaim takes no key and no algorithm from a prototype", async () => {
  const signature = (signed: string) => signatureOf(signed);
  const inPayload = `${raw(`{"__proto__":${JSON.stringify(HEADER)}}`)}.${part(PAYLOAD)}`;
  await refused("unsupported_algorithm", `${inPayload}.${await signature(inPayload)}`);
  const nested = raw(`{"alg":"EdDSA","jwk":{"__proto__":${JSON.stringify(JWK)}}}`);
  const signed = `${nested}.${part(PAYLOAD)}`;
  await refused("bad_key", `${signed}.${await signature(signed)}`);
});

Deno.test("verifyClaim refuses every point of low order, with which anybody can sign", async () => {
  for (const point of [...lowOrderEncodings(), ...encodingsAbovePrime()]) {
    const jwk = { ...JWK, x: encodeBase64Url(point) };
    // R is the identity and S is zero, so that the equation holds whenever h times the key vanishes.
    const forged = new Uint8Array(64);
    forged[0] = 1;
    const signed = `${part({ alg: "EdDSA", jwk })}.${part(PAYLOAD)}`;
    await refused("bad_key", `${signed}.${encodeBase64Url(forged)}`);
  }
});

Deno.test("verifyClaim refuses a signature with any bit flipped", async () => {
  const jws = await jwsOf(HEADER, PAYLOAD);
  const [header, payload, signature = ""] = jws.split(".");
  const bytes = decodeBase64Url(signature);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await refused("bad_signature", `${header}.${payload}.${encodeBase64Url(flipped)}`);
  }
});

Deno.test("verifyClaim refuses a signature with the group's order added to S", async () => {
  const [header, payload, signature = ""] = (await jwsOf(HEADER, PAYLOAD)).split(".");
  const malleable = withGroupOrderAdded(decodeBase64Url(signature));
  await refused("bad_signature", `${header}.${payload}.${encodeBase64Url(malleable)}`);
});

Deno.test("verifyClaim refuses a signature of any other length or text", async () => {
  const [header, payload, signature = ""] = (await jwsOf(HEADER, PAYLOAD)).split(".");
  const bytes = decodeBase64Url(signature);
  for (const length of [1, 32, 63, 65, 128]) {
    const other = new Uint8Array(length);
    other.set(bytes.subarray(0, length));
    await refused("bad_signature", `${header}.${payload}.${encodeBase64Url(other)}`);
  }
  for (const text of [`${signature}=`, ` ${signature}`, `${signature}\n`, "!", "A"]) {
    await refused("bad_signature", `${header}.${payload}.${text}`);
  }
});

Deno.test("verifyClaim refuses another's signature and a claim moved under another key", async () => {
  const other = await newSigningKey();
  const theirs = await signClaim(CLAIM, other);
  const ours = await signClaim(CLAIM, KEY);
  const [header, payload] = ours.split(".");
  await refused("bad_signature", `${header}.${payload}.${theirs.split(".")[2]}`);
  await refused("bad_signature", `${theirs.split(".")[0]}.${ours.split(".").slice(1).join(".")}`);
});

Deno.test("verifyClaim gives one key one thumbprint, whatever else its JWK says and in which order", async () => {
  const thumbprint = await thumbprintOf(KEY.publicKey);
  for (
    const jwk of [
      { x: X, kty: "OKP", crv: "Ed25519" },
      { ...JWK, use: "sig", key_ops: ["verify"], alg: "EdDSA", ext: true },
      { ...JWK, kid: "another", x5t: "AAAA", y: X },
    ]
  ) {
    const claim = await verify(await jwsOf({ alg: "EdDSA", jwk }, PAYLOAD));
    assertEquals(claim.thumbprint, thumbprint);
  }
});

Deno.test("verifyClaim takes nothing that a claim says of its own hostname, id or key", async () => {
  const said = { host: "a.tunnel.example", hostname: "a", id: "a", thumbprint: "a", sub: "a" };
  const { thumbprint, ...claim } = await verify(await jwsOf(HEADER, { ...PAYLOAD, ...said }));
  assertEquals(thumbprint, await thumbprintOf(KEY.publicKey));
  const members = [
    "audience",
    "nonce",
    "label",
    "connection",
    "name",
    "policy",
    "features",
    "mark",
  ];
  assertEquals(Object.keys(claim), members);
});

Deno.test("verifyClaim takes members that are names of methods for what they are", async () => {
  const json = JSON.stringify(PAYLOAD).slice(0, -1);
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const payload = raw(`${json},"${name}":{"label":"evil","name":"evil"}}`);
    const claim = await verify(await signedText(part(HEADER), payload));
    assertEquals([claim.label, claim.name], ["", ""]);
  }
  await refused("malformed", signedText(part(HEADER), raw('{"__proto__":' + json + "}}")));
});

Deno.test("verifyClaim refuses whatever random changes make of a registration, with a coded refusal", async () => {
  const random = new SeededRandom();
  const jws = await jwsOf(HEADER, PAYLOAD);
  const letters = "ABCxyz019-_.=+/ \n\0é".split("");
  for (let i = 0; i < 3_000; i++) {
    const at = random.integer(0, jws.length);
    const letter = letters[random.integer(0, letters.length - 1)] ?? "";
    const cut = random.integer(0, 3);
    const changed = jws.slice(0, at) + (random.oneIn(2) ? letter : "") + jws.slice(at + cut);
    if (changed === jws) continue;
    const { permanent } = await assertRejects(
      () => verify(changed),
      RegistrationError,
      "",
      changed,
    );
    assert(permanent);
  }
});

Deno.test("verifyClaim refuses a megabyte of anything", async () => {
  const long = "A".repeat(1_000_000);
  for (const text of [long, `${long}.${long}.${long}`, ".".repeat(1_000_000)]) {
    await refused("malformed", text);
  }
  const [header, payload] = (await jwsOf(HEADER, PAYLOAD)).split(".");
  await refused("bad_signature", `${header}.${payload}.${long}`);
});

Deno.test("verifyClaim refuses names that are no DNS label in lower case", async () => {
  for (const name of ["", "-a", "a-", "A", "a.b", "ä", "a b", "a\n", "x".repeat(64), 1, null, {}]) {
    await refused("bad_name", jwsOf(HEADER, { ...PAYLOAD, name }));
  }
  for (const name of ["a", "0", "a-b", "x".repeat(63)]) {
    assertEquals((await verify(await jwsOf(HEADER, { ...PAYLOAD, name }))).name, name);
  }
});

Deno.test("verifyClaim refuses visitor policy that are not exactly as they must be", async () => {
  for (const policy of [null, [], "x", { allowIp: [] }, { basicAuth: null }, { other: 1 }]) {
    await refused("bad_policy", jwsOf(HEADER, { ...PAYLOAD, policy }));
  }
});

Deno.test("The largest claim that signClaim makes fits a RegistrationRequest, with a proof", async () => {
  const host = `${"a".repeat(63)}.`.repeat(4).slice(0, 253);
  const allowIp = Array.from(
    { length: MAX_ALLOWED },
    () => "2001:0db8:0000:0000:0000:0000:255.255.255.255/128",
  );
  const users = Array.from(
    { length: MAX_USERS },
    (_, i) => `${i.toString(36)}${'"'.repeat(MAX_USER_LENGTH - 1)}`,
  );
  const most = users.findIndex((_, i) =>
    isTooLong({
      ...{ ...OPEN_POLICY, allowIp },
      basicAuth: users.slice(0, i + 1).map((user) => ({ user, password: "" })),
    })
  );
  assert(most > 1);
  const claim: Claim = {
    audience: `https://${host}:65535`,
    nonce: NONCE,
    label: "x".repeat(63),
    connection: 15,
    name: "x".repeat(63),
    policy: {
      basicAuth: users.slice(0, most).map((user) => ({
        user,
        salt: "AAECAwQFBgcICQoLDA0ODw",
        hash: NONCE,
        iterations: MAX_ITERATIONS,
      })),
      login: true,
      allowIp,
      limits: {
        rate: { count: MAX_LIMIT, period: MAX_LIMIT },
        streams: MAX_LIMIT,
        body: MAX_LIMIT,
        timeout: MAX_LIMIT,
      },
    },
    features: FEATURES,
    mark: { client: "x".repeat(43), service: "x".repeat(43) },
  };
  const jws = await signClaim(claim, KEY);
  const isAudience = (audience: string) => audience === claim.audience;
  assertEquals((await verifyClaim(jws, { nonce: NONCE, isAudience })).policy, claim.policy);
  const { length } = encodeMessage({ jws, proof: await proveToken("token", jws) });
  assert(length <= MAX_REGISTRATION_LENGTH, `${length} bytes`);
});

Deno.test("verifyClaim refuses what is not three parts", async () => {
  const jws = await jwsOf(HEADER, PAYLOAD);
  const [header, payload, signature] = jws.split(".");
  for (
    const text of [
      "",
      ".",
      "..",
      "...",
      `${header}`,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `.${payload}.${signature}`,
      `${header}..${signature}`,
      `${jws}.`,
      `.${jws}`,
      `${jws}.${signature}`,
    ]
  ) {
    await refused("malformed", text);
  }
});

Deno.test("verifyClaim refuses blanks, padding and other alphabets around a part", async () => {
  const [header = "", payload = "", signature] = (await jwsOf(HEADER, PAYLOAD)).split(".");
  for (const blank of [" ", "\n", "\t", "=", "\0", "\u00a0", "\ufeff"]) {
    await refused("malformed", `${blank}${header}.${payload}.${signature}`);
    await refused("malformed", `${header}${blank}.${payload}.${signature}`);
    // The payload is only looked at when its signature is good.
    await refused("bad_signature", `${header}.${blank}${payload}.${signature}`);
    await refused("malformed", signedText(header, `${payload}${blank}`));
  }
});

Deno.test("verifyClaim refuses parts that are no JSON object in UTF-8", async () => {
  for (const text of ["null", "[]", "1", '"x"', "{", "", "{}{}"]) {
    if (text !== "") await refused("malformed", signedText(raw(text), part(PAYLOAD)));
    if (text !== "") await refused("malformed", signedText(part(HEADER), raw(text)));
  }
  const notUtf8 = encodeBase64Url(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
  await refused("malformed", signedText(notUtf8, part(PAYLOAD)));
  await refused("malformed", signedText(part(HEADER), notUtf8));
});

Deno.test("verifyClaim gives one meaning to members that come twice: the last", async () => {
  const payload = JSON.stringify(PAYLOAD);
  const twice = (name: string, value: unknown): string =>
    raw(`${payload.slice(0, -1)},"${name}":${JSON.stringify(value)}}`);
  await refused("wrong_audience", signedText(part(HEADER), twice("aud", "https://evil.example")));
  await refused("wrong_nonce", signedText(part(HEADER), twice("nonce", "x")));
  const header = raw(`${JSON.stringify(HEADER).slice(0, -1)},"alg":"none"}`);
  await refused("unsupported_algorithm", signedText(header, part(PAYLOAD)));
});

Deno.test("verifyClaim survives JSON as deep as a frame can hold", async () => {
  const deep = "[".repeat(3000) + "]".repeat(3000);
  await verify(await signedText(raw(`${JSON.stringify(HEADER).slice(0, -1)},"x":${deep}}`), PART));
  await refused("bad_key", signedText(raw(`{"alg":"EdDSA","jwk":${deep}}`), PART));
  await refused("malformed", signedText(raw("[".repeat(6000)), PART));
});

Deno.test("verifyClaim refuses with a message that fits a RegistrationResponse, whatever was claimed", async () => {
  const quotes = '"'.repeat(2500);
  for (
    const jws of [
      jwsOf({ ...HEADER, alg: quotes }, PAYLOAD),
      jwsOf(HEADER, { ...PAYLOAD, aud: quotes }),
      jwsOf(HEADER, { ...PAYLOAD, label: quotes }),
    ]
  ) {
    assert((await jws).length < MAX_REGISTRATION_LENGTH);
    const { code, message, permanent } = await assertRejects(
      async () => await verify(await jws),
      RegistrationError,
    );
    const answer = encodeMessage({ error: { code, message, permanent } });
    assert(answer.length <= MAX_REGISTRATION_LENGTH, `${code}: ${answer.length} bytes`);
  }
});

const PART = part(PAYLOAD);

function verify(jws: string): ReturnType<typeof verifyClaim> {
  return verifyClaim(jws, { nonce: NONCE, isAudience: (audience) => audience === AUDIENCE });
}

async function refused(code: string, jws: string | Promise<string>): Promise<void> {
  const text = await jws;
  const error = await assertRejects(() => verify(text), RegistrationError, "", text);
  assertEquals([error.code, error.permanent], [code, true], text);
}

/** Makes a JWS with a correct signature over whatever its parts say. */
function jwsOf(header: Json, payload: Json): Promise<string> {
  return signedText(part(header), part(payload));
}

async function signedText(header: string, payload: string): Promise<string> {
  return `${header}.${payload}.${await signatureOf(`${header}.${payload}`)}`;
}

async function signatureOf(signed: string): Promise<string> {
  const bytes = new TextEncoder().encode(signed);
  return encodeBase64Url(await crypto.subtle.sign("Ed25519", KEY.privateKey, bytes));
}

function part(value: Json): string {
  return raw(JSON.stringify(value));
}

function raw(text: string): string {
  return encodeBase64Url(new TextEncoder().encode(text));
}
