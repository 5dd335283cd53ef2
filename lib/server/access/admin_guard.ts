import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Field, fieldValue } from "../../http/fields.ts";
import { Tally } from "../../net/tally.ts";
import { networkOf } from "../../net/ip_address.ts";
import type { Asking, VisitRefusal } from "../tunnels/upstream.ts";

/** Wrong tokens that one network may present in a period. */
const MAX_GUESSES = 10;

/** Milliseconds of a period. */
const PERIOD = 1000;

/** Networks that are counted in a period; above that, no further network may present a token. */
const MAX_NETWORKS = 1000;

/** Characters of the longest token: `Deno.serve` takes heads of 64 KiB, and no token is that long. */
const MAX_TOKEN_LENGTH = 4096;

/** Characters of a longest token with its scheme and some blanks. */
const MAX_CREDENTIALS = MAX_TOKEN_LENGTH + 32;

/** Lets in requests with the operator's token (RFC 6750), and limits the guesses of each network. */
export class AdminGuard {
  readonly #digest: Promise<Uint8Array>;
  readonly #now: () => number;
  readonly #guesses = new Tally<string>();
  #periodEnd = 0;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(token: string, now: () => number = () => performance.now()) {
    this.#digest = digestOf(encoder.encode(token));
    this.#now = now;
  }

  /** Says why a request is not let in; null when it is. */
  async refusal(
    { address, fields }: Pick<Asking, "address" | "fields">,
  ): Promise<VisitRefusal | null> {
    const token = bearerToken(fieldValue(fields, "authorization") ?? "");
    if (token === null) return unauthorized("this page needs a token", CHALLENGE);
    return await this.check(token, address);
  }

  /** Says why a token that was presented from an address does not let in; null when it does. */
  async check(token: Uint8Array<ArrayBuffer>, address: string): Promise<VisitRefusal | null> {
    const [presented, expected] = await Promise.all([digestOf(token), this.#digest]);
    // From here on nothing waits, so guesses that come together are counted one by one. The count comes before the
    // comparison, or else the right token could be found while the others are refused.
    const network = networkOf(address);
    if (!this.#mayGuess(network)) {
      return {
        code: "auth",
        status: 429,
        reason: "too many wrong tokens came from there",
        fields: RETRY,
      };
    }
    // Digests have one length, and a guess cannot be chosen by how its digest begins.
    if (timingSafeEqual(presented, expected)) return null;
    this.#guesses.add(network);
    return unauthorized("this is not the token", `${CHALLENGE}, error="invalid_token"`);
  }

  #mayGuess(network: string): boolean {
    const now = this.#now();
    if (now >= this.#periodEnd) {
      this.#guesses.clear();
      this.#periodEnd = now + PERIOD;
    }
    const guesses = this.#guesses.count(network);
    return guesses === 0 ? this.#guesses.size < MAX_NETWORKS : guesses < MAX_GUESSES;
  }
}

const CHALLENGE = 'Bearer realm="tunnel"';

const RETRY: readonly Field[] = [["retry-after", String(PERIOD / 1000)]];

const encoder = new TextEncoder();

function unauthorized(reason: string, challenge: string): VisitRefusal {
  return { code: "auth", status: 401, reason, fields: [["www-authenticate", challenge]] };
}

/** Returns the bytes of a Bearer token; null for another scheme, or for a token longer than any. */
function bearerToken(authorization: string): Uint8Array<ArrayBuffer> | null {
  if (authorization.length > MAX_CREDENTIALS) return null;
  // The scheme's case does not matter (RFC 9110 section 11.1).
  const [, token] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (token === undefined || token.length > MAX_TOKEN_LENGTH) return null;
  // A field value is bytes, one for each character here; a token of other letters comes as their UTF-8.
  return Uint8Array.from(token, (character) => character.charCodeAt(0));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
