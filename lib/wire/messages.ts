import { encodeBase64Url } from "@std/encoding/base64url";
import { isOrigin } from "../net/authority.ts";
import { decodeFeatures, type Feature, FEATURES } from "./features.ts";
import { parseJSONObject } from "./json.ts";
import { REFUSAL_CODES, RegistrationError } from "./registration_error.ts";

/** The WebSocket subprotocol (RFC 6455 section 1.9) that PROTOCOL.md describes. */
export const SUBPROTOCOL = "tunnel.v1";

/** The path on a server's own host where clients connect. */
export const SUBSCRIBE_PATH = "/proxy/subscribe";

/** What the server asks first. */
export interface Challenge {
  /** 32 random bytes in base64url, new for each connection: a recorded registration is worth nothing. */
  readonly nonce: string;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly server: string;
  /** Streams that the server opens at most at once. */
  readonly limits: { readonly streams: number };
  /** What the server has beyond the frames that every peer has. */
  readonly features: readonly string[];
}

/** What the server answers when it accepts. */
export interface Registered {
  readonly id: string;
  readonly hostnames: readonly string[];
  readonly urls: readonly string[];
  /** Whether the server checks its visitors as the claim asked; only for a claim that asked for it. */
  readonly policy?: true;
}

/** What a client answers the challenge with. */
export interface RegistrationRequest {
  readonly jws: string;
  /** That the client knows the server's token, when it has one. */
  readonly proof?: string;
}

const encoder = new TextEncoder();

/** Makes a challenge with a fresh nonce. */
export function newChallenge(server: string, streams: number): Challenge {
  const nonce = encodeBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { nonce, server, limits: { streams }, features: FEATURES };
}

/** Encodes a frame of the registration. */
export function encodeMessage(
  message: Challenge | Registered | RegistrationRequest | { readonly error: Refusal },
): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** A refusal as it is on the wire. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly permanent: boolean;
}

/**
 * Returns what a client needs of a challenge; `features` are those that both sides have.
 *
 * @throws {RegistrationError} `malformed` when it is not a challenge.
 */
export function decodeChallenge(
  payload: Uint8Array,
): Pick<Challenge, "nonce" | "server"> & { readonly features: readonly Feature[] } {
  const { nonce, server, ...rest } = parseObject(payload, FROM_SERVER);
  if (typeof nonce !== "string" || typeof server !== "string") {
    throw new RegistrationError(
      "malformed",
      "the server's challenge lacks a nonce or the server's name",
      false,
    );
  }
  const features = decodeFeatures(rest.features);
  if (features === undefined) {
    throw new RegistrationError("malformed", "the server's features are not a list", false);
  }
  return { nonce, server, features };
}

/** @throws {RegistrationError} `malformed` when there is no JWS, or a proof that is not text. */
export function decodeRequest(payload: Uint8Array): RegistrationRequest {
  const { jws, proof } = parseObject(payload, FROM_CLIENT);
  if (typeof jws !== "string") {
    throw new RegistrationError("malformed", "the registration has no JWS");
  }
  if (proof === undefined) return { jws };
  if (typeof proof === "string") return { jws, proof };
  throw new RegistrationError("malformed", "the registration's proof is not text");
}

/** Returns what the server gave. @throws {RegistrationError} the server's refusal, or `malformed`. */
export function decodeResponse(payload: Uint8Array): Registered {
  const { error, id, hostnames, urls, policy } = parseObject(payload, FROM_SERVER);
  if (typeof error === "object" && error !== null) throw refusalOf({ ...error });
  if (typeof id !== "string" || !isTexts(hostnames) || !isOrigins(urls)) {
    throw new RegistrationError(
      "malformed",
      "the server's answer to the registration is incomplete",
      false,
    );
  }
  return { id, hostnames, urls, ...(policy === true ? { policy } : {}) };
}

function refusalOf(error: Readonly<Record<string, unknown>>): RegistrationError {
  const { code, message, permanent } = error;
  const known = REFUSAL_CODES.find((refusal) => refusal === code) ?? "malformed";
  const reason = typeof message === "string" ? message : "the server gave no reason";
  return new RegistrationError(known, reason, permanent === true);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Whether a value is a list of origins with at least one, the URL to show; they go to terminals and scripts. */
function isOrigins(value: unknown): value is string[] {
  return isTexts(value) && value.length > 0 && value.every(isOrigin);
}

/** How a malformed frame is refused: a client would only send the same again, but a server may be repaired. */
const FROM_CLIENT = { permanent: true } as const;
const FROM_SERVER = { permanent: false } as const;

function parseObject(
  bytes: Uint8Array,
  { permanent }: { readonly permanent: boolean },
): Readonly<Record<string, unknown>> {
  const object = parseJSONObject(bytes);
  if (object === undefined) {
    throw new RegistrationError(
      "malformed",
      "a frame of the registration is not a JSON object",
      permanent,
    );
  }
  return object;
}
