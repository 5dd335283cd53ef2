import { createHmac, randomBytes } from "node:crypto";
import { cookiesOf, isFromOtherSite } from "../../http/fields.ts";
import { isSameText } from "../../identity/token_proof.ts";
import { AddressSet } from "../../net/address_set.ts";
import { parseAuthority, withoutBrackets } from "../../net/authority.ts";
import { APIError } from "./api_error.ts";

/** Wrong tokens that may be presented in a period; a person mistypes a few. */
const MAX_GUESSES = 10;

/** Milliseconds of a period. */
const PERIOD = 1000;

/** Where the inspector listens, and what it was called in the flag. */
export interface InspectorPlace {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Lets in those who sit at this machine, or have the token.
 *
 * A browser on this machine runs pages of strangers as well. They can send requests here but not under this Host, which
 * is theirs when a name of theirs is made to lead here (DNS rebinding), nor with JSON, nor from this origin.
 */
export class VisitGuard {
  readonly #place: InspectorPlace;
  /** A key for cookies, which other services on this host see too: they must not have the token in them. */
  readonly #cookieKey = randomBytes(32);
  readonly #token: string | null;
  #guesses = 0;
  #periodEnd = 0;

  constructor(place: InspectorPlace, token: string | null) {
    this.#place = place;
    this.#token = token;
  }

  /** Checks where a request comes from, and whether it may change something. @throws {APIError} when it may not. */
  check(request: Request): void {
    this.#checkHost(request);
    const { method, headers } = request;
    const isSafe = method === "GET" || method === "HEAD";
    // A link from another site may lead here; what a page of another site loads may not.
    const isVisit = isSafe && headers.get("sec-fetch-mode") === "navigate" &&
      headers.get("sec-fetch-dest") === "document";
    if (isFromOtherSite(headers.get("sec-fetch-site")) && !isVisit) {
      throw new APIError("forbidden", "The inspector does not answer pages of other sites.");
    }
    const origin = headers.get("origin");
    if (origin !== null && origin !== `http://${headers.get("host")}`) {
      throw new APIError("forbidden", `The inspector does not answer pages of ${origin}.`);
    }
  }

  /** Checks that a request has the token or the cookie. @throws {APIError} when it has neither. */
  authorize(request: Request): void {
    if (this.#token === null) return;
    const cookies = cookiesOf(request.headers.get("cookie") ?? "");
    if (cookies.some((cookie) => isSameText(cookie, this.#cookie(this.#token ?? "")))) return;
    const [, given] = /^bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "") ?? [];
    if (given === undefined) throw unauthorized("The inspector asks for its --inspect-token.");
    this.#checkToken(given);
  }

  /** Returns the cookie to set for the one who presents the token. @throws {APIError} when it is another one. */
  login(token: string): string {
    this.#checkToken(token);
    return `${this.#cookie(token)}; Path=/; HttpOnly; SameSite=Strict`;
  }

  #checkToken(given: string): void {
    const now = performance.now();
    if (now >= this.#periodEnd) {
      this.#guesses = 0;
      this.#periodEnd = now + PERIOD;
    }
    // The count comes before the comparison, or the right token could be found while others are refused.
    if (this.#guesses >= MAX_GUESSES) {
      throw new APIError("too_many", "Too many wrong tokens were given; try again in a second.");
    }
    if (this.#token !== null && isSameText(this.#cookie(given), this.#cookie(this.#token))) return;
    this.#guesses++;
    throw unauthorized("This is not the --inspect-token.");
  }

  #cookie(token: string): string {
    const value = createHmac("sha256", this.#cookieKey).update(token).digest("hex");
    // Cookies do not know ports: each inspector of a machine has its own.
    return `tunnel-inspector-${this.#place.port}=${value}`;
  }

  #checkHost({ headers, url }: Request): void {
    // Over HTTP/2 there may be no Host, and the URL has what stands for it.
    const host = headers.get("host") ?? new URL(url).host;
    const authority = parseAuthority(host);
    const { port } = this.#place;
    if (authority !== undefined && (authority.port ?? 80) === port && this.#isOwn(authority)) {
      return;
    }
    throw new APIError(
      "forbidden",
      `The inspector is not asked for as ${JSON.stringify(host)}. Open it at its own address, or ` +
        "give the name to --inspect.",
    );
  }

  #isOwn({ name, isAddress }: { readonly name: string; readonly isAddress: boolean }): boolean {
    const bare = withoutBrackets(name);
    if (bare === this.#place.host || isLoopback(bare)) return true;
    // One that listens for other machines has addresses that it does not know; no address is a stranger's name.
    return isAddress && !isLoopback(this.#place.host);
  }
}

/** Tells whether a name or an address (without brackets) is this machine's for itself alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || LOOPBACK.has(host);
}

const LOOPBACK = AddressSet.parse("loopback");

function unauthorized(message: string): APIError {
  return new APIError("unauthorized", message, { "www-authenticate": 'Bearer realm="inspector"' });
}
