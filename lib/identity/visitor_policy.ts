import { encodeBase64Url } from "@std/encoding/base64url";
import { decodeBase64UrlExactly } from "./key.ts";
import { RegistrationError } from "../wire/registration_error.ts";

/** What the owner of a tunnel asks the server to check of its visitors. */
export interface VisitorPolicy {
  /** null lets everybody in. */
  readonly basicAuth: PasswordHash | null;
  /** Addresses and networks of the visitors that are let in; none lets everybody in. */
  readonly allowIp: readonly string[];
}

/** A user and a password that is not told: PBKDF2 (RFC 8018 section 5.2) with HMAC-SHA-256, 32 bytes of it. */
export interface PasswordHash {
  /** 1 to 128 bytes of UTF-8 without a colon or control characters (RFC 7617 section 2). */
  readonly user: string;
  /** 16 bytes in base64url. */
  readonly salt: string;
  /** 32 bytes in base64url. */
  readonly hash: string;
  readonly iterations: number;
}

/** What an owner says of visitors: the policy before the password is hashed. */
export interface VisitorRules {
  /** null lets everybody in. */
  readonly basicAuth: { readonly user: string; readonly password: string } | null;
  readonly allowIp: readonly string[];
}

/** The policy of a tunnel that has none. */
export const OPEN_POLICY: VisitorPolicy = { basicAuth: null, allowIp: [] };

/** Bytes of a user's name in UTF-8: with all else that a claim may hold, a registration still fits its frame. */
export const MAX_USER_LENGTH = 128;

/** Bytes of a password in UTF-8: what is longer, a server would not look at. */
export const MAX_PASSWORD_LENGTH = 512;

/** Addresses and networks in one list, for the same reason. */
export const MAX_ALLOWED = 64;

/** Rounds of PBKDF2: fewer would be no hash for a password. */
export const MIN_ITERATIONS = 10_000;

/** Rounds of PBKDF2 for a new password: the server does them for a visitor, to whom they must not be a wait. */
const ITERATIONS = 100_000;

/** Rounds of PBKDF2 that a server can be made to do for a visitor: some 50 ms of one core. */
export const MAX_ITERATIONS = 200_000;

/** Bytes of a salt (NIST SP 800-132 section 5.1 asks for 16). */
export const SALT_LENGTH = 16;

/** Bytes of a hash: all that one block of SHA-256 gives. */
export const HASH_LENGTH = 32;

/** Characters that an address or network is made of; 45 and three digits of prefix are the most. Whether it is one, the server finds out. */
const NETWORK = /^[0-9a-fA-F.:]{2,45}(?:\/[0-9]{1,3})?$/;

/** What RFC 7617 section 2 keeps out of a user's name. */
const NO_USER = /[\p{Cc}:]/u;

/** What it keeps out of a password: a server refuses credentials that have it. */
const NO_PASSWORD = /\p{Cc}/u;

const encoder = new TextEncoder();

/** Makes what the server is told of the visitors: the password leaves this machine as a salted hash alone. */
export async function makeVisitorPolicy(
  { basicAuth, allowIp }: VisitorRules,
): Promise<VisitorPolicy> {
  if (basicAuth === null) return { basicAuth, allowIp };
  const salt = crypto.getRandomValues(new Uint8Array(SALT_LENGTH));
  const password = encoder.encode(basicAuth.password);
  const hash = await hashOf(password, { salt, iterations: ITERATIONS });
  return {
    basicAuth: {
      user: basicAuth.user,
      salt: encodeBase64Url(salt),
      hash: encodeBase64Url(hash),
      iterations: ITERATIONS,
    },
    allowIp,
  };
}

/** Returns the bytes of a password's hash; that takes as long as the iterations say. */
export async function hashOf(
  password: Uint8Array<ArrayBuffer>,
  { salt, iterations }: {
    readonly salt: Uint8Array<ArrayBuffer>;
    readonly iterations: number;
  },
): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, HASH_LENGTH * 8));
}

/** Whether there is anything to check. */
export function hasPolicy({ basicAuth, allowIp }: VisitorPolicy): boolean {
  return basicAuth !== null || allowIp.length > 0;
}

/** Returns the member `policy` of a claim, or undefined for one that needs none. */
export function encodeVisitorPolicy(policy: VisitorPolicy): object | undefined {
  if (!hasPolicy(policy)) return undefined;
  const { basicAuth, allowIp } = policy;
  return {
    ...(basicAuth === null ? {} : { basicAuth }),
    ...(allowIp.length === 0 ? {} : { allowIp }),
  };
}

/**
 * Reads the member `policy` of a claim. What is not known is refused and not ignored: it may be a lock.
 *
 * @throws {RegistrationError} `bad_policy` for anything that is not exactly as it must be.
 */
export function decodeVisitorPolicy(value: unknown): VisitorPolicy {
  if (value === undefined) return OPEN_POLICY;
  const { basicAuth, allowIp, ...others } = membersOf(value);
  refuseOthers(others);
  return {
    basicAuth: basicAuth === undefined ? null : passwordHashOf(basicAuth),
    allowIp: allowIp === undefined ? [] : allowedOf(allowIp),
  };
}

/** Whether visitors can be asked for a password. */
export function isPassword(text: string): boolean {
  return !NO_PASSWORD.test(text) && text.isWellFormed() &&
    encoder.encode(text).length <= MAX_PASSWORD_LENGTH;
}

/** Whether a text may be the user of a PasswordHash. */
export function isUser(text: string): boolean {
  return text !== "" && !NO_USER.test(text) && text.isWellFormed() &&
    encoder.encode(text).length <= MAX_USER_LENGTH;
}

function passwordHashOf(value: unknown): PasswordHash {
  const { user, salt, hash, iterations, ...others } = membersOf(value);
  refuseOthers(others);
  if (typeof user !== "string" || !isUser(user)) {
    throw bad(
      `the user is not 1 to ${MAX_USER_LENGTH} bytes without a colon or control characters`,
    );
  }
  if (typeof salt !== "string" || !isBase64Url(salt, SALT_LENGTH)) {
    throw bad(`the salt is not ${SALT_LENGTH} bytes in base64url`);
  }
  if (typeof hash !== "string" || !isBase64Url(hash, HASH_LENGTH)) {
    throw bad(`the hash is not ${HASH_LENGTH} bytes in base64url`);
  }
  if (
    typeof iterations !== "number" || !Number.isInteger(iterations) ||
    iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS
  ) {
    throw bad(`the iterations are not a number from ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`);
  }
  return { user, salt, hash, iterations };
}

function allowedOf(value: unknown): string[] {
  // An empty list would lock everybody out or let everybody in, depending on who reads it.
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ALLOWED) {
    throw bad(`allowIp is not a list of 1 to ${MAX_ALLOWED} addresses`);
  }
  return value.map((network: unknown) => {
    if (typeof network === "string" && NETWORK.test(network)) return network;
    throw bad("allowIp has a member that is neither an address nor a network");
  });
}

function isBase64Url(text: string, length: number): boolean {
  return text.length === Math.ceil(length * 4 / 3) &&
    decodeBase64UrlExactly(text)?.length === length;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad("the visitor policy of the registration is not a JSON object");
  }
  return { __proto__: null, ...value };
}

function refuseOthers(others: object): void {
  if (Object.keys(others).length > 0) {
    throw bad("the visitor policy asks for something that this server does not know");
  }
}

function bad(message: string): RegistrationError {
  return new RegistrationError("bad_policy", message);
}
