import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { decodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url } from "@std/encoding/base64url";
import { hash } from "node:crypto";
import {
  hashOf,
  MAX_PASSWORD_LENGTH,
  MAX_USER_LENGTH,
  type PasswordHash,
} from "../../identity/password_hash.ts";
import { type Field, fieldValue } from "../../http/fields.ts";
import { COLON, DEL, SP } from "../../http/octets.ts";
import { networkOf } from "../../net/ip_address.ts";
import type { Guesser, GuessQueue } from "./guess_queue.ts";
import { type Asking, RETRY_SOON, type VisitRefusal } from "../tunnels/upstream.ts";

/** Requests that wait for one and the same guess: a browser with a new page has some tens. */
const MAX_SHARING = 256;

/** Characters of credentials with their scheme: the longest user and password in base64, and some blanks. */
const MAX_CREDENTIALS = Math.ceil((MAX_USER_LENGTH + 1 + MAX_PASSWORD_LENGTH) * 4 / 3) + 32;

/** Keys the digests, so that outside of this process they cannot be guessed, and their comparison tells nothing. */
const DIGEST_KEY = crypto.getRandomValues(new Uint8Array(32));

/** One guess that is checked or waits for it. */
interface Guess {
  /** null when it was not checked. */
  readonly outcome: Promise<boolean | null>;
  sharing: number;
}

export interface BasicAuthOptions extends Pick<Guesser, "tunnel" | "owner"> {
  /** Of one user each, one at least. */
  readonly passwords: readonly PasswordHash[];
  /** Where guesses wait, those at other tunnels too. */
  readonly guesses: GuessQueue;
}

/** A password as it is checked. */
interface Password {
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly hash: Uint8Array;
  readonly iterations: number;
}

/**
 * Lets in the visitors that know a user and the password which the owner of a tunnel has set for that (RFC 7617).
 *
 * Each user has one pair that is right. Once it was seen, its digest is kept, so that it is known again within
 * microseconds; every other pair takes PBKDF2.
 */
export class BasicAuth {
  /** By the digests of users, for what visitors send is compared by its digest alone. */
  readonly #passwords: ReadonlyMap<string, Password>;
  readonly #options: BasicAuthOptions;
  /** By digest: as many as one tunnel may have in the queue. */
  readonly #guesses = new Map<string, Guess>();
  /** Digests of right pairs: as many as there are users. */
  readonly #known = new Set<string>();

  constructor(options: BasicAuthOptions) {
    this.#options = options;
    this.#passwords = new Map(
      options.passwords.map(({ user, salt, hash, iterations }) => [
        digestOf(new TextEncoder().encode(user)),
        { salt: decodeBase64Url(salt), hash: decodeBase64Url(hash), iterations },
      ]),
    );
  }

  /** Returns why a request is not let in, or null when it is; a promise where that takes time. */
  check(
    { address, fields }: Pick<Asking, "address" | "fields">,
  ): VisitRefusal | null | Promise<VisitRefusal | null> {
    const field = fieldValue(fields, "authorization");
    const credentials = field === undefined ? undefined : parseCredentials(field);
    if (credentials === undefined) return UNAUTHORIZED;
    const digest = digestOf(credentials);
    if (this.#known.has(digest)) return null;
    const guess = this.#guesses.get(digest) ?? this.#begin(credentials, { digest, address });
    if (guess === null || guess.sharing >= MAX_SHARING) return TOO_MANY_GUESSES;
    guess.sharing++;
    return guess.outcome.then((isRight) => {
      if (isRight === null) return TOO_MANY_GUESSES;
      return isRight ? null : UNAUTHORIZED;
    });
  }

  /** Whether a request has credentials that were seen to be right. */
  isKnown(fields: readonly Field[]): boolean {
    const field = fieldValue(fields, "authorization");
    const credentials = field === undefined ? undefined : parseCredentials(field);
    return credentials !== undefined && this.#known.has(digestOf(credentials));
  }

  #begin(
    credentials: Credentials,
    { digest, address }: { readonly digest: string; readonly address: string },
  ): Guess | null {
    const { guesses, tunnel, owner } = this.#options;
    const guesser = { tunnel, owner, visitor: networkOf(address) };
    const checking = guesses.check(guesser, () => this.#isRight(credentials));
    if (checking === null) return null;
    const outcome = checking.then((isRight) => {
      if (isRight === true) this.#known.add(digest);
      return isRight;
    }).finally(() => this.#guesses.delete(digest));
    const guess = { outcome, sharing: 0 };
    this.#guesses.set(digest, guess);
    return guess;
  }

  /** Takes as long for a wrong user as for a wrong password. */
  async #isRight(credentials: Credentials): Promise<boolean> {
    const colon = credentials.indexOf(COLON);
    const known = this.#passwords.get(digestOf(credentials.subarray(0, colon)));
    const [another] = this.#passwords.values();
    const password = known ?? another;
    if (password === undefined) return false;
    const hash = await hashOf(credentials.slice(colon + 1), password);
    const isPassword = timingSafeEqual(hash, password.hash);
    return known !== undefined && isPassword;
  }
}

/** The charset tells browsers how to write what is not ASCII (RFC 7617 section 2.1). */
const UNAUTHORIZED: VisitRefusal = {
  code: "auth",
  status: 401,
  reason: "this tunnel asks for a user name and a password",
  fields: [["www-authenticate", 'Basic realm="tunnel", charset="UTF-8"']],
};

const TOO_MANY_GUESSES: VisitRefusal = {
  code: "auth",
  status: 429,
  reason: "too many passwords are being tried here",
  fields: [RETRY_SOON],
};

/** User, colon and password. */
type Credentials = Uint8Array<ArrayBuffer>;

/** Base64 with or without its padding. Deno joins two fields with a comma, which does not match. */
const BASIC = /^basic +((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/i;

/** Reads the credentials of RFC 7617 section 2; undefined when the field has none. */
function parseCredentials(field: string): Credentials | undefined {
  if (field.length > MAX_CREDENTIALS) return undefined;
  const [, text] = BASIC.exec(field) ?? [];
  if (text === undefined) return undefined;
  const bytes = decodeBase64(text);
  return bytes.includes(COLON) && !bytes.some(isControl) ? bytes : undefined;
}

/** Control characters are in no password (RFC 7617 section 2), and HMAC may take a NUL for nothing at all. */
function isControl(byte: number): boolean {
  return byte < SP || byte === DEL;
}

function digestOf(bytes: Uint8Array): string {
  const keyed = new Uint8Array(DIGEST_KEY.length + bytes.length);
  keyed.set(DIGEST_KEY);
  keyed.set(bytes, DIGEST_KEY.length);
  return hash("sha256", keyed, "hex");
}
