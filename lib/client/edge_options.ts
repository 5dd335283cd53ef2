import { encodeBase64Url } from "@std/encoding/base64url";
import {
  type EdgeOptions,
  HASH_LENGTH,
  isUser,
  looksLikeNetwork,
  MAX_ALLOWED,
  MAX_USER_LENGTH,
  type PasswordHash,
  SALT_LENGTH,
} from "../tunnel/edge.ts";

/** What the owner of a tunnel asks for, as the command line gives it. */
export interface Wishes {
  readonly basicAuth: { readonly user: string; readonly password: string } | null;
  /** Addresses and networks with commas between. */
  readonly allowIp: string | null;
}

/** Rounds of PBKDF2: the server does them for a visitor, to whom they must not be a wait. */
const ITERATIONS = 100_000;

/**
 * Makes what the server is told: the password leaves this machine as a salted hash alone.
 *
 * @throws {RangeError} for what does not fit a registration.
 */
export async function edgeOptions({ basicAuth, allowIp }: Wishes): Promise<EdgeOptions> {
  return {
    basicAuth: basicAuth === null ? null : await hashed(basicAuth),
    allowIp: allowIp === null ? [] : networksOf(allowIp),
  };
}

async function hashed(
  { user, password }: NonNullable<Wishes["basicAuth"]>,
): Promise<PasswordHash> {
  if (!isUser(user)) {
    const limit = `at most ${MAX_USER_LENGTH} bytes without control characters`;
    throw new RangeError(`the user of --basic-auth must have ${limit}`);
  }
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

function networksOf(text: string): string[] {
  const networks = text.split(",").map((part) => part.trim());
  if (networks.length > MAX_ALLOWED) {
    throw new RangeError(`--allow-ip takes ${MAX_ALLOWED} addresses, not ${networks.length}`);
  }
  const wrong = networks.find((network) => !looksLikeNetwork(network));
  if (wrong !== undefined) {
    throw new RangeError(`--allow-ip takes addresses and networks, not ${JSON.stringify(wrong)}`);
  }
  return networks;
}
