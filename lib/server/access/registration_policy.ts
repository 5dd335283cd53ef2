import type { Rate } from "../../cli/flags.ts";
import type { Claim } from "../../identity/claim.ts";
import { RegistrationError } from "../../wire/registration_error.ts";
import type { RegistrationRequest } from "../../wire/messages.ts";
import { isTokenProof } from "../../identity/token_proof.ts";
import { AddressSet } from "../../net/address_set.ts";
import type { AuthorizedKeys } from "./authorized_keys.ts";
import type { DenyList, Suspect } from "./deny_list.ts";
import { type KeyLimits, NO_KEY_LIMITS } from "./key_settings.ts";
import { Limiter } from "./limiter.ts";
import type { Names } from "./names.ts";
import { networkOf } from "../../net/ip_address.ts";
import { whyReserved } from "./reserved_names.ts";

/** Addresses that are remembered: somebody with more of them could not be stopped by a limit for each. */
const MAX_ADDRESSES = 10_000;

/** Refusals of one address that are logged: a person who tries things out sees each of them. */
const NOTED: Rate = { count: 60, period: 60_000 };

export interface RegistrationPolicyOptions {
  /** The shared secret; null when the server asks for none. */
  readonly token: string | null;
  /** null lets every key in. */
  readonly keys: AuthorizedKeys | null;
  /** Whom an operator keeps away, whatever they have. */
  readonly denyList: DenyList;
  /** Registrations from one address. */
  readonly registrations: Rate;
  readonly names: Names;
  /** Returns why this server has no such name to give, or null. */
  readonly whyNoName: (name: string) => string | null;
}

/** What is proved of a client that asks to be let in. */
export type Applicant = Pick<Claim, "name" | "policy"> & Suspect;

/** Decides who may connect, and under which name, step by step as a registration goes on: the cheapest check first. */
export class RegistrationPolicy {
  readonly #options: RegistrationPolicyOptions;
  readonly #registrations: Limiter;
  readonly #notes = new Limiter(NOTED, { most: MAX_ADDRESSES });
  #keys: AuthorizedKeys | null;

  constructor(options: RegistrationPolicyOptions) {
    this.#options = options;
    this.#registrations = new Limiter(options.registrations, { most: MAX_ADDRESSES });
    this.#keys = options.keys;
  }

  /** Counts a registration. @throws {RegistrationError} `try_again` when its address has sent too many, or `not_authorized`. */
  enter(address: string): void {
    const why = this.#options.denyList.whyBannedAt(address);
    if (why !== null) throw new RegistrationError("not_authorized", why);
    const wait = this.#registrations.take(networkOf(address));
    if (wait === 0) return;
    const seconds = Math.ceil(wait / 1000);
    const reason = `too many registrations from ${address}; the next may come in ${seconds} s`;
    throw new RegistrationError("try_again", reason, false);
  }

  /** Whether the refusal of a registration gets a line in the log; an address that is refused very often does not. */
  isNoted(address: string): boolean {
    return this.#notes.take(networkOf(address)) === 0;
  }

  /** Checks what a client says of the token. @throws {RegistrationError} `bad_token`. */
  async checkToken({ jws, proof }: RegistrationRequest): Promise<void> {
    const { token } = this.#options;
    if (token === null) return;
    if (proof === undefined) {
      throw new RegistrationError("bad_token", "this server wants a token (--token)");
    }
    if (!await isTokenProof(proof, token, jws)) {
      throw new RegistrationError("bad_token", "the token is not this server's");
    }
  }

  /**
   * Lets a key in, under the name that it wishes for, if any.
   *
   * @throws {RegistrationError} `not_authorized`, `bad_name`, `name_taken`, `bad_policy`, or `try_again`.
   */
  async admit(applicant: Applicant): Promise<void> {
    const { thumbprint, name } = applicant;
    checkPolicy(applicant);
    this.#check(applicant);
    if (name === "" || this.#keys !== null) return;
    await this.#options.names.claim(name, thumbprint);
    // The operator may have acted meanwhile.
    this.#check(applicant);
  }

  /** Keeps an admitted client's name until what this returns is called, once. */
  hold({ thumbprint, name }: Pick<Applicant, "thumbprint" | "name">): () => void {
    // A name from the list of keys is the key's own already.
    if (name === "" || this.#keys !== null) return () => {};
    return this.#options.names.hold(name, thumbprint);
  }

  /** Takes another list of keys; `allows` tells who has to go. */
  replaceKeys(keys: AuthorizedKeys): void {
    this.#keys = keys;
  }

  /** Returns what the tunnels of a key may have. */
  limitsOf(thumbprint: string): KeyLimits {
    return this.#keys?.limitsOf(thumbprint) ?? NO_KEY_LIMITS;
  }

  /** When the next key's time is up, in milliseconds since 1970; null where none's is to come. */
  get nextExpiry(): number | null {
    return this.#keys?.nextExpiry ?? null;
  }

  /** Returns what the operator noted of a key; empty for nothing. */
  commentOf(thumbprint: string): string {
    return this.#keys?.commentOf(thumbprint) ?? "";
  }

  /** Whether a client that was let in may stay. */
  allows({ thumbprint, name, address }: Omit<Applicant, "policy">): boolean {
    const keys = this.#keys;
    if (this.#options.denyList.whyBanned({ thumbprint, address }) !== null) return false;
    if (keys === null) return true;
    return keys.has(thumbprint) && !keys.isExpired(thumbprint) &&
      (name === "" || keys.owns(thumbprint, name));
  }

  #check({ thumbprint, name, address }: Applicant): void {
    const keys = this.#keys;
    const banned = this.#options.denyList.whyBanned({ thumbprint, address });
    if (banned !== null) throw new RegistrationError("not_authorized", banned);
    if (keys !== null && !keys.has(thumbprint)) {
      const reason = `the key with the thumbprint ${thumbprint} is not authorized here`;
      throw new RegistrationError("not_authorized", reason);
    }
    if (keys?.isExpired(thumbprint)) {
      const reason = `the time of the key with the thumbprint ${thumbprint} is up here`;
      throw new RegistrationError("not_authorized", reason);
    }
    if (name === "") return;
    const why = this.#options.whyNoName(name);
    if (why !== null) throw nameRefused(name, why);
    if (keys === null) {
      const why = whyReserved(name);
      if (why !== null) throw nameRefused(name, why);
    } else if (!keys.owns(thumbprint, name)) {
      throw nameRefused(name, `the key with the thumbprint ${thumbprint} may not have it`);
    }
  }
}

function nameRefused(name: string, why: string): RegistrationError {
  return new RegistrationError("bad_name", `the name ${name} is not given: ${why}`);
}

/** Refuses a policy that the server could not apply later. */
function checkPolicy({ policy: { allowIp } }: Applicant): void {
  try {
    if (allowIp.length > 0) AddressSet.parse(allowIp.join(","));
  } catch (cause) {
    const reason = "allowIp has a member that is neither an address nor a network";
    throw new RegistrationError("bad_policy", reason, true, { cause });
  }
}
