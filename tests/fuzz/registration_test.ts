import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
import { signClaim, verifyClaim } from "../../lib/identity/claim.ts";
import type { SigningKey } from "../../lib/identity/key.ts";
import { decodeChallenge, decodeRequest, decodeResponse } from "../../lib/wire/messages.ts";
import { REFUSAL_CODES, RegistrationError } from "../../lib/wire/registration_error.ts";
import { newSigningKey } from "../testing/ed25519.ts";
import { GOLDEN_FRAMES } from "../testing/golden_frames.ts";
import type { SeededRandom } from "../testing/seeded_random.ts";
import { fuzz } from "./fuzz.ts";
import { mutated, mutatedText } from "./mutated.ts";

const AUDIENCE = "https://tunnel.example";
const NONCE = "n".repeat(43);

/** What stands in a compact JWS, and what must not. */
const JWS_CHARACTERS = [
  ...["A", "z", "0", "-", "_", ".", "=", "+", "/", " ", "\n", "é", "🦀", "\0", "AA", "..", "e30"],
] as const;

/** Values in the place of any member. */
const VALUES: readonly [unknown, ...unknown[]] = [
  undefined,
  ...[
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    "",
    "a",
    "x".repeat(5000),
    [],
    {},
    [[]],
    "\ud800",
    "EdDSA",
    "none",
  ],
  ...[
    "HS256",
    "OKP",
    "Ed25519",
    "X25519",
    AUDIENCE,
    NONCE,
    { toString: "x" },
    "__proto__",
    "constructor",
  ],
];

const MEMBERS = [
  ...[
    "alg",
    "jwk",
    "crv",
    "kty",
    "x",
    "d",
    "crit",
    "b64",
    "kid",
    "jku",
    "aud",
    "nonce",
    "iat",
    "label",
  ],
  ...["connection", "name", "policy", "features", "__proto__", "constructor", "toString"],
] as const;

/** Made once: a key for each case would be most of the work. */
const made: Promise<SigningKey> = newSigningKey();

fuzz(
  "verifyClaim takes a claim exactly as it was signed, and refuses anything else with a RegistrationError",
  async (random) => {
    const key = await made;
    const signed = await signClaim({ audience: AUDIENCE, nonce: NONCE, connection: 3 }, key);
    const isForged = random.oneIn(2);
    const jws = isForged ? forged(random, signed) : await oddlySigned(random, key);
    try {
      const claim = await verifyClaim(jws, {
        nonce: NONCE,
        isAudience: (audience) => audience === AUDIENCE,
      });
      if (isForged) assertEquals(jws, signed);
      assertEquals([claim.audience, claim.nonce], [AUDIENCE, NONCE]);
      assert(/^[a-z0-9-]{0,63}$/.test(claim.label));
      assert(Number.isInteger(claim.connection) && claim.connection >= 0);
    } catch (error) {
      if (!(error instanceof RegistrationError)) throw error;
      assert(REFUSAL_CODES.includes(error.code));
      assert(error.message.length < 500, "the message shows too much");
      assert(jws !== signed, `a good claim was refused: ${error.message}`);
    }
  },
);

fuzz(
  "what a peer sends in place of a registration's JSON is refused with a RegistrationError",
  (random) => {
    const frames = GOLDEN_FRAMES.filter(({ type }) => type.startsWith("Registration"));
    const golden = frames[random.integer(0, frames.length - 1)]?.payload ?? new Uint8Array(0);
    const payload = random.oneIn(3) ? randomJSON(random) : mutated(random, golden);
    for (const decode of [decodeChallenge, decodeRequest, decodeResponse]) {
      try {
        decode(payload);
      } catch (error) {
        if (!(error instanceof RegistrationError)) throw error;
        assert(REFUSAL_CODES.includes(error.code));
      }
    }
  },
);

/** Changes a claim behind its signature's back, or leaves it as it is. */
function forged(random: SeededRandom, signed: string): string {
  if (random.oneIn(8)) return signed;
  if (random.oneIn(2)) return mutatedText(random, signed, JWS_CHARACTERS);
  const parts = signed.split(".");
  // Its own parts in other places, or a part less or more.
  const others = Array.from({ length: random.integer(1, 4) }, () => parts[random.integer(0, 2)]);
  return others.join(".");
}

/** Signs what no client would. */
async function oddlySigned(random: SeededRandom, key: SigningKey): Promise<string> {
  const jwk = { crv: "Ed25519", kty: "OKP", x: encodeBase64Url(key.publicKey) };
  const payload = { aud: AUDIENCE, nonce: NONCE, iat: 0, connection: 0 };
  if (random.oneIn(2)) return await sign({ alg: "EdDSA", jwk }, spoilt(random, payload), key);
  const header = { alg: "EdDSA", jwk: random.oneIn(3) ? spoilt(random, jwk) : jwk };
  return await sign(spoilt(random, header), payload, key);
}

async function sign(header: unknown, payload: unknown, key: SigningKey): Promise<string> {
  const text = [header, payload].map((part) => encodeBase64Url(JSON.stringify(part))).join(".");
  const bytes = new TextEncoder().encode(text);
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, bytes);
  return `${text}.${encodeBase64Url(signature)}`;
}

function spoilt(random: SeededRandom, members: Readonly<Record<string, unknown>>): unknown {
  const entries = new Map(Object.entries(members));
  for (let i = random.integer(1, 2); i > 0; i--) {
    const member = random.pick(MEMBERS);
    if (random.oneIn(4)) entries.delete(member);
    else entries.set(member, random.pick(VALUES));
  }
  return Object.fromEntries(entries);
}

/** What stands where a text belongs; the first cannot even be made one. */
const NO_TEXTS: readonly [unknown, ...unknown[]] = [{ toString: 1, valueOf: 1 }, 1, null, []];

function randomJSON(random: SeededRandom): Uint8Array {
  const names = ["nonce", "server", "jws", "proof", "id", "hostnames", "urls", "error", "policy"];
  const message = random.oneIn(2) ? "no" : random.pick(NO_TEXTS);
  const error = { code: random.pick(VALUES), message, permanent: random.pick(VALUES) };
  const members = names.map((name) => [name, random.oneIn(3) ? error : random.pick(VALUES)]);
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(members)));
}
