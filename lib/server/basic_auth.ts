import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { decodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import { createHmac } from "node:crypto";
import type { PasswordHash } from "../tunnel/edge.ts";
import { type Field, fieldValue } from "../tunnel/headers.ts";
import { Turns } from "./turns.ts";
import type { Refusal } from "./upstream.ts";

/** Guesses of one tunnel's password that are checked or wait for it; each takes up to 50 ms. */
const MAX_GUESSES = 8;

/** Requests that wait for one and the same guess: a browser with a new page has some tens. */
const MAX_SHARING = 256;

/** Guesses that the whole server checks at once: one core of two stays free, whoever is guessed at. */
const MAX_DERIVING = 1;

/** Characters of credentials in base64; a user has 128 bytes at most, and nobody types a password of 600. */
const MAX_CREDENTIALS = 1024;

/** Seconds after which another guess may find room. */
const RETRY_AFTER = 1;

/** Keeps what was seen of credentials from being of use to anybody: a digest means something in this process alone. */
const DIGEST_KEY = crypto.getRandomValues(new Uint8Array(32));

const deriving = new Turns(MAX_DERIVING);

/** One guess that is being checked. */
interface Guess {
  readonly outcome: Promise<boolean>;
  sharing: number;
}

/**
 * Lets in whoever knows the user and password that the owner of a tunnel has set (RFC 7617).
 *
 * Only one pair of them is right, so the digest of that is all that must be kept to know it again
 * within microseconds; only what has not been seen to be right takes PBKDF2.
 */
export class BasicAuth {
  readonly #user: Uint8Array;
  readonly #salt: Uint8Array<ArrayBuffer>;
  readonly #hash: Uint8Array;
  readonly #iterations: number;
  readonly #guesses = new Map<string, Guess>();
  readonly #turns = new Turns(1);
  #known: Uint8Array | null = null;

  constructor({ user, salt, hash, iterations }: PasswordHash) {
    this.#user = digestOf(new TextEncoder().encode(user));
    this.#salt = decodeBase64Url(salt);
    this.#hash = decodeBase64Url(hash);
    this.#iterations = iterations;
  }

  /** Says why a request with these fields is not let in, and null when it is; a promise where that takes time. */
  check(fields: readonly Field[]): Refusal | null | Promise<Refusal | null> {
    const field = fieldValue(fields, "authorization");
    const credentials = field === undefined ? undefined : parseCredentials(field);
    if (credentials === undefined) return UNAUTHORIZED;
    const digest = digestOf(credentials.bytes);
    if (this.#known !== null && timingSafeEqual(digest, this.#known)) return null;
    return this.#guess(credentials, digest);
  }

  #guess(credentials: Credentials, digest: Uint8Array): Refusal | Promise<Refusal | null> {
    const name = digest.join();
    const guess = this.#guesses.get(name) ?? this.#begin(credentials, digest, name);
    if (guess === undefined || guess.sharing >= MAX_SHARING) return TOO_MANY_GUESSES;
    guess.sharing++;
    return guess.outcome.then((isRight) => isRight ? null : UNAUTHORIZED);
  }

  #begin(credentials: Credentials, digest: Uint8Array, name: string): Guess | undefined {
    if (this.#guesses.size >= MAX_GUESSES) return undefined;
    // A tunnel has one place at a time in the server's own queue, so that the guesses at one do not hold up another.
    const outcome = this.#turns.run(() => deriving.run(() => this.#isRight(credentials)))
      .then((isRight) => {
        if (isRight) this.#known = digest;
        return isRight;
      })
      .finally(() => this.#guesses.delete(name));
    const guess = { outcome, sharing: 0 };
    this.#guesses.set(name, guess);
    return guess;
  }

  /** Takes equally long for a wrong user and a wrong password. */
  async #isRight({ user, password }: Credentials): Promise<boolean> {
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const hash = await crypto.subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-256", salt: this.#salt, iterations: this.#iterations },
      key,
      this.#hash.length * 8,
    );
    const isPassword = timingSafeEqual(new Uint8Array(hash), this.#hash);
    const isUser = timingSafeEqual(digestOf(user), this.#user);
    return isUser && isPassword;
  }
}

/** The charset tells browsers how to write what is not ASCII (RFC 7617 section 2.1). */
const UNAUTHORIZED: Refusal = {
  status: 401,
  reason: "this tunnel asks for a user name and a password",
  fields: [["www-authenticate", 'Basic realm="tunnel", charset="UTF-8"']],
};

const TOO_MANY_GUESSES: Refusal = {
  status: 429,
  reason: "too many passwords are being tried on this tunnel",
  fields: [["retry-after", String(RETRY_AFTER)]],
};

interface Credentials {
  /** User, colon and password. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly user: Uint8Array<ArrayBuffer>;
  readonly password: Uint8Array<ArrayBuffer>;
}

/** Deno joins two fields with a comma, so that they are no credentials at all. */
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

const COLON = 0x3a;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Reads the credentials of RFC 7617 section 2; undefined for what is none. */
function parseCredentials(field: string): Credentials | undefined {
  if (field.length > MAX_CREDENTIALS) return undefined;
  const [, text] = BASIC.exec(field) ?? [];
  if (text === undefined) return undefined;
  const bytes = decoded(text);
  // HMAC takes a password with NULs behind it for the same, and neither part may have control characters.
  if (bytes === undefined || bytes.some((byte) => byte < SPACE || byte === DELETE)) {
    return undefined;
  }
  const colon = bytes.indexOf(COLON);
  if (colon === -1) return undefined;
  return { bytes, user: bytes.slice(0, colon), password: bytes.slice(colon + 1) };
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return decodeBase64(text);
  } catch {
    return undefined;
  }
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHmac("sha256", DIGEST_KEY).update(bytes).digest();
}
