import { encodeBase64Url } from "@std/encoding/base64url";
import {
  HASH_LENGTH,
  type PasswordHash,
  SALT_LENGTH,
  type VisitorPolicy,
} from "../identity/visitor_policy.ts";
import type { ClientOptions } from "./options.ts";

/** Rounds of PBKDF2: the server does them for a visitor, to whom they must not be a wait. */
const ITERATIONS = 100_000;

/** Makes what the server is told of the visitors: the password leaves this machine as a salted hash alone. */
export async function hashedPolicy(
  { basicAuth, allowIp }: Pick<ClientOptions, "basicAuth" | "allowIp">,
): Promise<VisitorPolicy> {
  return { basicAuth: basicAuth === null ? null : await hashed(basicAuth), allowIp };
}

async function hashed(
  { user, password }: NonNullable<ClientOptions["basicAuth"]>,
): Promise<PasswordHash> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_LENGTH));
  const bytes = new TextEncoder().encode(password);
  const key = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const hash = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS },
    key,
    HASH_LENGTH * 8,
  );
  return {
    user,
    salt: encodeBase64Url(salt),
    hash: encodeBase64Url(hash),
    iterations: ITERATIONS,
  };
}
