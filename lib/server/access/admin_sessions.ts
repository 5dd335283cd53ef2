import { createHmac, randomBytes } from "node:crypto";
import { cookiesOf, type Field, fieldValue } from "../../http/fields.ts";
import { isSameText } from "../../identity/token_proof.ts";
import { BoundedMap } from "../../net/bounded_map.ts";

/** Seconds of a login: a working day. */
const LIFETIME = 8 * 60 * 60;

/** Logins that were ended before their time, and are remembered so long: a restart forgets them. */
const MAX_ENDED = 1_000;

/** Bytes that tell two logins apart. */
const ID_LENGTH = 16;

/** Characters of a Cookie field that is looked at: that of a browser with other cookies for the host. */
const MAX_COOKIES = 8 * 1024;

/** Where a page of an operator is, as far as its cookie is concerned. */
export interface CookiePlace {
  /** The port that the browser uses, since cookies do not know ports. */
  readonly port: string;
  /** Whether it came by HTTPS. */
  readonly isSecure: boolean;
}

/**
 * Logs an operator's browser in with a cookie that the server has signed.
 *
 * Nothing is kept of a login: the key is made of the token, so each node with the same token knows it, and another
 * token ends it.
 */
export class AdminSessions {
  readonly #key: Uint8Array;
  readonly #now: () => number;
  readonly #ended = new BoundedMap<string, true>(MAX_ENDED);

  /** `now` tells the time in milliseconds since 1970. */
  constructor(token: string, now: () => number = Date.now) {
    this.#key = createHmac("sha256", token).update("tunnel: login of an operator").digest();
    this.#now = now;
  }

  /** Returns the field of an answer that logs in. */
  begin(place: CookiePlace): Field {
    const expires = Math.floor(this.#now() / 1000) + LIFETIME;
    const login = `${expires}.${randomBytes(ID_LENGTH).toString("base64url")}`;
    return cookieField(place, `${login}.${this.#sign(login)}`, LIFETIME);
  }

  /** Whether a request's fields have the cookie of a login that lasts. */
  isOpen(fields: readonly Field[], place: CookiePlace): boolean {
    return this.#loginOf(fields, place) !== null;
  }

  /** Ends a request's login, and returns the field of an answer that takes its cookie away. */
  end(fields: readonly Field[], place: CookiePlace): Field {
    const login = this.#loginOf(fields, place);
    if (login !== null) this.#ended.set(login, true);
    return cookieField(place, "", 0);
  }

  #loginOf(fields: readonly Field[], place: CookiePlace): string | null {
    const cookies = fieldValue(fields, "cookie") ?? "";
    if (cookies.length > MAX_COOKIES) return null;
    const name = cookieName(place);
    for (const cookie of cookiesOf(cookies)) {
      const [, given, login = "", mac = ""] = COOKIE.exec(cookie) ?? [];
      if (given !== name || !isSameText(mac, this.#sign(login))) continue;
      const [expires = ""] = login.split(".");
      const isOver = Number(expires) * 1000 <= this.#now() || this.#ended.has(login);
      return isOver ? null : login;
    }
    return null;
  }

  #sign(login: string): string {
    return createHmac("sha256", this.#key).update(login).digest("base64url");
  }
}

const COOKIE = /^([^=\s]+)=([0-9]{1,12}\.[A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/** With this prefix no other host can set the cookie, a tunnel's neither (RFC 6265bis section 4.1.3.2). */
function cookieName({ port, isSecure }: CookiePlace): string {
  return isSecure ? "__Host-tunnel-admin" : `tunnel-admin-${port}`;
}

function cookieField(place: CookiePlace, value: string, seconds: number): Field {
  const secure = place.isSecure ? "; Secure" : "";
  return [
    "set-cookie",
    `${cookieName(place)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`,
  ];
}
