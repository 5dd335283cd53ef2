import type { VisitorPolicy } from "../../identity/visitor_policy.ts";
import { AddressSet } from "../../net/address_set.ts";
import { fieldValue } from "../../http/fields.ts";
import { bodyTooLong } from "../proxy/request_body.ts";
import { networkOf } from "../../net/ip_address.ts";
import type { RequestHead } from "../../http/head.ts";
import { BasicAuth } from "./basic_auth.ts";
import { Login } from "./login.ts";
import { LoginCookie } from "./login_cookie.ts";
import type { GuessQueue } from "./guess_queue.ts";
import { type KeyLimits, NO_KEY_LIMITS } from "./key_settings.ts";
import type { Limiter } from "./limiter.ts";
import type { OwnRates } from "./own_rates.ts";
import type { RequestsLimited } from "../admin/server_metrics.ts";
import { type Asking, RETRY_SOON, type VisitRefusal } from "../tunnels/upstream.ts";
import type { VisitorQuotas } from "./visitor_quotas.ts";

/** Limits that all tunnels of a server share. */
export interface TunnelLimits {
  /** Counts the requests of each tunnel by its id; null for no limit. */
  readonly requests: Limiter | null;
  /** Counts them by the rates that owners have set. */
  readonly ownRates: OwnRates;
  /** Requests and WebSockets of one tunnel at once. */
  readonly streams: number;
  /** Counts the streams of each visitor. */
  readonly visitors: VisitorQuotas;
  /** Where guesses at the passwords of all tunnels wait. */
  readonly guesses: GuessQueue;
  readonly limited: RequestsLimited;
}

export interface RequestPolicyOptions extends TunnelLimits {
  /** The tunnel's id. */
  readonly id: string;
  /** The address of its client. */
  readonly owner: string;
  readonly policy: VisitorPolicy;
  /** Returns what the operator allows its key now. @default whatever the server allows all */
  readonly allowance?: () => KeyLimits;
  /** Whether a host is the tunnel's own. */
  readonly isOwnHost: (host: string) => boolean;
  /** Whether visitors come over TLS. */
  readonly isSecure: boolean;
  /** Tells how many streams all connections of the tunnel have. */
  readonly load: () => number;
}

/** Decides which requests a tunnel takes: what its owner wants, and what the server allows. */
export class RequestPolicy {
  readonly #options: RequestPolicyOptions;
  readonly #allowed: AddressSet | null;
  readonly #auth: BasicAuth | null;
  /** Null where nobody may log in on a page. */
  readonly #login: Login | null;

  /** @throws {RangeError} when `allowIp` has a member that is not an address, which registration has refused before. */
  constructor(options: RequestPolicyOptions) {
    const { id, owner, guesses, isOwnHost, isSecure } = options;
    const { basicAuth, login, allowIp } = options.policy;
    this.#options = options;
    this.#allowed = allowIp.length === 0 ? null : AddressSet.parse(allowIp.join(","));
    this.#auth = basicAuth.length === 0
      ? null
      : new BasicAuth({ passwords: basicAuth, guesses, tunnel: id, owner: networkOf(owner) });
    const cookie = { tunnel: id, passwords: basicAuth, isSecure };
    this.#login = login && this.#auth !== null
      ? new Login({ auth: this.#auth, cookie: new LoginCookie(cookie), isOwnHost })
      : null;
  }

  /**
   * Returns the head that the service gets. A gateway is the origin server to its visitors (RFC 9110 section 3.7), so what
   * they were asked for ends here, and a service that is not told the password cannot leak it.
   */
  headFor(head: RequestHead): RequestHead {
    if (this.#auth === null) return head;
    return this.#login === null ? withoutAuthorization(head) : this.#login.headFor(head);
  }

  /**
   * Returns why a request is not taken, or null when it is; a promise only where a password must be checked.
   *
   * A visitor whose address is not allowed does not count against the tunnel's rate; a guess at its password does.
   */
  admit(asking: Asking): VisitRefusal | null | Promise<VisitRefusal | null> {
    if (this.#allowed !== null && !this.#allowed.has(asking.address)) {
      return this.#refused("address", FORBIDDEN);
    }
    const long = this.#bodyTooLong(asking);
    if (long !== null) return this.#refused("body", long);
    const wait = this.#waitForTurn();
    if (wait > 0) return this.#refused("rate", tooManyRequests(wait));
    if (this.#auth === null) return this.#room(asking);
    const refusal = (this.#login ?? this.#auth).check(asking);
    return refusal instanceof Promise
      ? refusal.then((refusal) => this.#authorized(refusal, asking))
      : this.#authorized(refusal, asking);
  }

  /** Bytes that the body of a request may have; null for what the server says. */
  get maxBody(): number | null {
    const own = this.#options.policy.limits.body;
    const { maxBody } = this.#allowance;
    return own === null || maxBody === null ? own ?? maxBody : Math.min(own, maxBody);
  }

  /** Counts a stream of the visitor at `address`, until the returned function is called. */
  enter(address: string): () => void {
    return this.#options.visitors.enter(this.#options.id, address);
  }

  /** Changes when the list of keys is read again. */
  get #allowance(): KeyLimits {
    return this.#options.allowance?.() ?? NO_KEY_LIMITS;
  }

  #authorized(refusal: VisitRefusal | null, asking: Asking): VisitRefusal | null {
    if (refusal === null) return this.#room(asking);
    // Who has just logged in was not refused.
    return refusal.code === "login" ? refusal : this.#refused("auth", refusal);
  }

  /** Says that the body which a request announces is too long; one that does not say how long it is, is counted as it comes. */
  #bodyTooLong({ fields }: Asking): VisitRefusal | null {
    const { maxBody } = this;
    if (maxBody === null) return null;
    const length = Number(fieldValue(fields, "content-length") ?? 0);
    return length > maxBody ? bodyTooLong(maxBody) : null;
  }

  /** Takes a turn of the tunnel and returns 0, or returns the milliseconds until there is one. */
  #waitForTurn(): number {
    const { id, requests, ownRates, policy: { limits: { rate } } } = this.#options;
    let wait = requests === null ? 0 : requests.take(id);
    if (wait === 0 && rate !== null) wait = ownRates.take(id, rate);
    const { rate: keyRate } = this.#allowance;
    // The owner may have set the same rate, and a request takes one turn of each.
    return wait > 0 || keyRate === null ? wait : ownRates.take(`${id} by key`, keyRate);
  }

  #room({ address }: Asking): VisitRefusal | null {
    const { id, visitors, load, policy: { limits } } = this.#options;
    const { maxStreams } = this.#allowance;
    const most = Math.min(limits.streams ?? Infinity, maxStreams ?? Infinity);
    const streams = Math.min(this.#options.streams, most);
    if (load() >= streams) return this.#refused("streams", NO_ROOM);
    return visitors.hasRoom(id, address) ? null : this.#refused("visitor", OVER_QUOTA);
  }

  #refused(reason: keyof RequestsLimited, refusal: VisitRefusal): VisitRefusal {
    this.#options.limited[reason].inc();
    return refusal;
  }
}

function withoutAuthorization({ method, target, fields }: RequestHead): RequestHead {
  return { method, target, fields: fields.filter(([name]) => name !== "authorization") };
}

const FORBIDDEN: VisitRefusal = {
  code: "address",
  status: 403,
  reason: "this tunnel is not open to your address",
};

const NO_ROOM: VisitRefusal = {
  code: "streams",
  status: 503,
  reason: "this tunnel has as many requests at once as it may have",
  fields: [RETRY_SOON],
};

const OVER_QUOTA: VisitRefusal = {
  code: "visitor",
  status: 429,
  reason: "your address has as many requests at once as it may have at this tunnel",
  fields: [RETRY_SOON],
};

/** Tells when the next request will be let through, in whole seconds as Retry-After has them (RFC 9110 section 10.2.3). */
function tooManyRequests(wait: number): VisitRefusal {
  return {
    code: "rate",
    status: 429,
    reason: "this tunnel gets more requests than it may",
    fields: [["retry-after", String(Math.ceil(wait / 1000))]],
  };
}
