import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { createHmac } from "node:crypto";
import { cookiesOf, type Field } from "../../http/fields.ts";
import { decodeBase64UrlExactly } from "../../identity/key.ts";
import { isSameText } from "../../identity/token_proof.ts";
import type { PasswordHash } from "../../identity/password_hash.ts";

/** Seconds that a browser stays logged in: a week. */
const LIFETIME = 7 * 24 * 60 * 60;

/** Characters of a value: a time, a user in base64url and 32 bytes of signature. */
const MAX_VALUE = 300;

export interface LoginCookieOptions {
  /** The tunnel's id, which a cookie is good for alone. */
  readonly tunnel: string;
  readonly passwords: readonly PasswordHash[];
  /** Whether visitors come over TLS. */
  readonly isSecure: boolean;
}

/**
 * Knows the browsers that have logged in, by a cookie that says who until when, signed with the hash of the user's
 * password: it is good on any node and after a restart, and no more once the password is another.
 */
export class LoginCookie {
  readonly name: string;
  readonly #tunnel: string;
  readonly #isSecure: boolean;
  readonly #keys: ReadonlyMap<string, Uint8Array>;

  constructor({ tunnel, passwords, isSecure }: LoginCookieOptions) {
    // A name that no other host of the domain can set (RFC 6265bis section 4.1.3.2).
    this.name = isSecure ? "__Host-tunnel-login" : "tunnel-login";
    this.#tunnel = tunnel;
    this.#isSecure = isSecure;
    this.#keys = new Map(passwords.map(({ user, hash }) => [user, decodeBase64Url(hash)]));
  }

  /** Returns the field that makes a browser keep that a user has logged in. */
  issue(user: string): Field {
    const expires = Math.floor(Date.now() / 1000) + LIFETIME;
    const subject = `${expires}.${encodeBase64Url(new TextEncoder().encode(user))}`;
    const value = `${subject}.${this.#sign(subject, user) ?? ""}`;
    const attributes = `Path=/; Max-Age=${LIFETIME}; HttpOnly; SameSite=Lax`;
    const secure = this.#isSecure ? "; Secure" : "";
    return ["set-cookie", `${this.name}=${value}; ${attributes}${secure}`];
  }

  /** Whether a request has a cookie that was issued for this tunnel and holds still. */
  isIn(fields: readonly Field[]): boolean {
    return fields.some(([name, value]) =>
      name === "cookie" && cookiesOf(value).some((cookie) => this.#isValid(cookie))
    );
  }

  /** Returns the fields without it: the service has no use for it, and could be another visitor with it. */
  without(fields: readonly Field[]): Field[] {
    const kept: Field[] = [];
    for (const field of fields) {
      const [name, value] = field;
      if (name !== "cookie" || !value.includes(this.name)) {
        kept.push(field);
        continue;
      }
      const others = cookiesOf(value).filter((cookie) => !this.#isOwn(cookie));
      if (others.length > 0) kept.push([name, others.join("; ")]);
    }
    return kept;
  }

  #isOwn(cookie: string): boolean {
    return cookie.startsWith(`${this.name}=`);
  }

  #isValid(cookie: string): boolean {
    const value = cookie.slice(this.name.length + 1);
    if (!this.#isOwn(cookie) || value.length > MAX_VALUE) return false;
    const [, subject = "", expires = "", name = "", signature = ""] = VALUE.exec(value) ?? [];
    const bytes = decodeBase64UrlExactly(name);
    if (bytes === undefined) return false;
    const expected = this.#sign(subject, new TextDecoder().decode(bytes));
    if (expected === null || !isSameText(signature, expected)) return false;
    return Number(expires) > Date.now() / 1000;
  }

  /** Returns a signature in base64url; null for a user who is not known. */
  #sign(subject: string, user: string): string | null {
    const key = this.#keys.get(user);
    if (key === undefined) return null;
    const text = `the login of a tunnel's visitor\n${this.#tunnel}\n${subject}`;
    return createHmac("sha256", key).update(text).digest("base64url");
  }
}

/** A time in seconds, a user and a signature. */
const VALUE = /^(([0-9]{1,12})\.([\w-]+))\.([\w-]+)$/;
