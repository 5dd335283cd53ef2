import { encodeBase64Url } from "@std/encoding/base64url";
import { type ClientMark, isMark } from "./client_mark.ts";
import { decodeBase64UrlExactly, isWeakKey, PUBLIC_KEY_LENGTH, type SigningKey } from "./key.ts";
import {
  decodeVisitorPolicy,
  encodeVisitorPolicy,
  OPEN_POLICY,
  type VisitorPolicy,
} from "./visitor_policy.ts";
import { decodeFeatures, type Feature } from "../wire/features.ts";
import { parseJSONObject } from "../wire/json.ts";
import { RegistrationError } from "../wire/registration_error.ts";
import { thumbprintOf } from "./thumbprint.ts";
import { isSameText } from "./token_proof.ts";

/** What a client claims and signs. */
export interface Claim {
  /** The origin of the server's URL as the client was given it, as in `https://tunnel.example`. */
  readonly audience: string;
  readonly nonce: string;
  /** Tells several hostnames of one key apart; empty for the first. */
  readonly label: string;
  /** Which of the client's connections this is, from 0. */
  readonly connection: number;
  /** The label that the client wishes for; empty when it wishes for none. */
  readonly name: string;
  readonly policy: VisitorPolicy;
  /** Those of the server's features that the client has too. */
  readonly features: readonly Feature[];
  /** null for a client that does not have the feature `clients`. */
  readonly mark: ClientMark | null;
}

/** A claim to sign; most members may be left out. */
export type ClaimToSign = Pick<Claim, "audience" | "nonce"> & Partial<Claim>;

/** Characters that a label may have: those of a DNS label, so that it can be shown anywhere. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Bytes of an Ed25519 signature (RFC 8032 section 5.1.6). */
const SIGNATURE_LENGTH = 64;

/** Characters of a claimed value that a refusal shows. */
const MAX_SHOWN = 100;

const encoder = new TextEncoder();

/** Signs a claim: a compact JWS (RFC 7515 section 3.1) with EdDSA (RFC 8037 section 3.1), its key in the header. */
export async function signClaim(
  claim: ClaimToSign,
  key: SigningKey,
): Promise<string> {
  const { audience, nonce, label = "", connection = 0, name = "" } = claim;
  const { policy = OPEN_POLICY, features = [], mark = null } = claim;
  const jwk = { crv: "Ed25519", kty: "OKP", x: encodeBase64Url(key.publicKey) };
  const payload = {
    aud: audience,
    nonce,
    iat: Math.floor(Date.now() / 1000),
    ...(label === "" ? {} : { label }),
    connection,
    ...(name === "" ? {} : { name }),
    // JSON leaves out what is undefined.
    policy: encodeVisitorPolicy(policy),
    ...(features.length === 0 ? {} : { features }),
    ...(mark === null ? {} : membersOf(mark)),
  };
  const signed = `${segment({ alg: "EdDSA", jwk })}.${segment(payload)}`;
  const signature = await crypto.subtle.sign("Ed25519", key.privateKey, encoder.encode(signed));
  return `${signed}.${encodeBase64Url(signature)}`;
}

/**
 * Verifies a claim that answers `nonce` and returns it with the thumbprint of the key that signed it.
 *
 * @throws {RegistrationError} when anything about it is not exactly as signed for this connection to this server.
 */
export async function verifyClaim(
  jws: string,
  expected: { readonly nonce: string; readonly isAudience: (audience: string) => boolean },
): Promise<Claim & { readonly thumbprint: string }> {
  const parts = jws.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header || !payload || !signature) {
    throw new RegistrationError(
      "malformed",
      "the registration is not a compact JWS of three parts",
    );
  }
  const publicKey = publicKeyOf(parseSegment(header));
  await checkSignature(publicKey, `${header}.${payload}`, signature);
  const claim = claimOf(parseSegment(payload));
  if (!isSameText(claim.nonce, expected.nonce)) {
    throw new RegistrationError("wrong_nonce", "the registration answers another challenge");
  }
  if (!expected.isAudience(claim.audience)) {
    throw new RegistrationError(
      "wrong_audience",
      `the registration is for ${shown(claim.audience)}, which is not this server's URL`,
    );
  }
  return { ...claim, thumbprint: await thumbprintOf(publicKey) };
}

/** Whether a value is a text that may be a label. */
export function isLabel(value: unknown): value is string {
  return typeof value === "string" && LABEL.test(value);
}

/** Header members that change what a JWS means (RFC 7515 section 4.1.11, RFC 7797) or name a key elsewhere. */
const FORBIDDEN = ["crit", "b64", "jku", "x5u", "x5c", "kid", "zip"];

function publicKeyOf(header: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  if (header.alg !== "EdDSA") {
    throw new RegistrationError(
      "unsupported_algorithm",
      `the registration is signed with ${shown(header.alg)}; only "EdDSA" is accepted`,
    );
  }
  const forbidden = FORBIDDEN.find((member) => Object.hasOwn(header, member));
  if (forbidden !== undefined) {
    throw new RegistrationError(
      "malformed",
      `the registration's header has a member "${forbidden}"`,
    );
  }
  const jwk = header.jwk;
  if (typeof jwk !== "object" || jwk === null) {
    throw new RegistrationError("bad_key", "the registration's header has no key");
  }
  const { kty, crv, x, d }: Readonly<Record<string, unknown>> = { ...jwk };
  if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string" || d !== undefined) {
    throw new RegistrationError("bad_key", "the registration's key is not an Ed25519 public key");
  }
  const raw = decodeBase64UrlExactly(x);
  if (raw === undefined || raw.length !== PUBLIC_KEY_LENGTH) {
    throw new RegistrationError("bad_key", "the registration's key is not 32 bytes in base64url");
  }
  if (isWeakKey(raw)) {
    throw new RegistrationError("bad_key", "the registration's key is a point of low order");
  }
  return raw;
}

async function checkSignature(
  publicKey: Uint8Array<ArrayBuffer>,
  signed: string,
  signature: string,
): Promise<void> {
  const bytes = decodeBase64UrlExactly(signature);
  const valid = bytes !== undefined && bytes.length === SIGNATURE_LENGTH &&
    await verifies(publicKey, bytes, encoder.encode(signed));
  if (!valid) {
    throw new RegistrationError(
      "bad_signature",
      "the registration's signature does not fit its key",
    );
  }
}

async function verifies(
  publicKey: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, signed);
  } catch {
    return false;
  }
}

function claimOf(payload: Readonly<Record<string, unknown>>): Claim {
  const { aud, nonce, iat = 0, label, connection = 0, name, policy } = payload;
  if (typeof aud !== "string" || typeof nonce !== "string") {
    throw new RegistrationError("malformed", "the registration lacks an audience or a nonce");
  }
  if (typeof iat !== "number") {
    throw new RegistrationError("malformed", "the registration's time is not a number");
  }
  if (typeof connection !== "number" || !Number.isInteger(connection) || connection < 0) {
    throw new RegistrationError(
      "malformed",
      "the registration's connection is not a number from 0",
    );
  }
  if (label !== undefined && !isLabel(label)) {
    throw new RegistrationError(
      "bad_label",
      `the label ${shown(label)} is not 1 to 63 lower-case letters, digits and inner hyphens`,
    );
  }
  if (name !== undefined && !isLabel(name)) {
    throw new RegistrationError(
      "bad_name",
      `the name ${shown(name)} is not 1 to 63 lower-case letters, digits and inner hyphens`,
    );
  }
  const features = decodeFeatures(payload.features);
  if (features === undefined) {
    throw new RegistrationError(
      "malformed",
      "the registration's features are not a list of names",
    );
  }
  return {
    audience: aud,
    nonce,
    label: label ?? "",
    connection,
    name: name ?? "",
    policy: decodeVisitorPolicy(policy),
    features,
    mark: markOf(payload),
  };
}

/** Returns the members of a mark; what is not known is left out. */
function membersOf({ client, service }: ClientMark): Partial<ClientMark> {
  return service === "" ? { client } : { client, service };
}

function markOf({ client, service }: Readonly<Record<string, unknown>>): ClientMark | null {
  if (client === undefined && service === undefined) return null;
  if (!isMark(client) || (service !== undefined && !isMark(service))) {
    throw new RegistrationError(
      "malformed",
      "the registration's client or service is not 1 to 43 characters of base64url",
    );
  }
  return { client, service: service ?? "" };
}

/** Shows what was claimed, cut short: a refusal must fit its frame. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

function segment(value: unknown): string {
  return encodeBase64Url(encoder.encode(JSON.stringify(value)));
}

function parseSegment(text: string): Readonly<Record<string, unknown>> {
  const bytes = decodeBase64UrlExactly(text);
  if (bytes === undefined) {
    throw new RegistrationError("malformed", "a part of the registration is not base64url");
  }
  const object = parseJSONObject(bytes);
  if (object === undefined) {
    throw new RegistrationError("malformed", "a part of the registration is not a JSON object");
  }
  return object;
}
