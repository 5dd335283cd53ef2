import { encodeBase64Url } from "@std/encoding/base64url";
import { RegistrationError } from "../wire/registration_error.ts";
import { decodeBase64UrlExactly, type SigningKey } from "./key.ts";

/** A user and a password, as their owner writes them. */
export interface Login {
  readonly user: string;
  readonly password: string;
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

/** Bytes of a user's name in UTF-8. */
export const MAX_USER_LENGTH = 128;

/** Bytes of a password in UTF-8: what is longer, a server would not look at. */
export const MAX_PASSWORD_LENGTH = 512;

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

/** What RFC 7617 section 2 keeps out of a user's name. */
const NO_USER = /[\p{Cc}:]/u;

/** What it keeps out of a password: a server refuses credentials that have it. */
const NO_PASSWORD = /\p{Cc}/u;

const encoder = new TextEncoder();

/**
 * Hashes a password. With a key the salt is the same each time, and a secret of the key's all the same: a server then knows
 * who has logged in before, also when the client was started anew.
 */
export async function hashPassword(
  { user, password }: Login,
  key: SigningKey | null = null,
): Promise<PasswordHash> {
  const salt = key === null
    ? crypto.getRandomValues(new Uint8Array(SALT_LENGTH))
    : await saltOf(user, key);
  const hash = await hashOf(encoder.encode(password), { salt, iterations: ITERATIONS });
  return {
    user,
    salt: encodeBase64Url(salt),
    hash: encodeBase64Url(hash),
    iterations: ITERATIONS,
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

/** Reads the hash of a password. @throws {RegistrationError} `bad_policy` for anything that is not exactly as it must be. */
export function decodePasswordHash(value: Readonly<Record<string, unknown>>): PasswordHash {
  const { user, salt, hash, iterations } = value;
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

/** Ed25519 signs alike each time (RFC 8032 section 5.1.6). */
async function saltOf(user: string, { privateKey }: SigningKey): Promise<Uint8Array<ArrayBuffer>> {
  const text = encoder.encode(`the salt of a visitor's password: ${user}`);
  const signature = await crypto.subtle.sign("Ed25519", privateKey, text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", signature)).slice(0, SALT_LENGTH);
}

function isBase64Url(text: string, length: number): boolean {
  return text.length === Math.ceil(length * 4 / 3) &&
    decodeBase64UrlExactly(text)?.length === length;
}

function bad(message: string): RegistrationError {
  return new RegistrationError("bad_policy", message);
}
