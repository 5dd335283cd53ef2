import { type AccountOwner, ACMEClient, unexpected } from "./acme_client.ts";
import { ACMEError } from "./acme_error.ts";
import type { ACMEState, KeptCertificate } from "./acme_state.ts";
import { certificateLife, isGoodFor } from "./certificate_life.ts";
import { orderCertificate } from "./certificate_order.ts";
import type { Certificate } from "./certificate_source.ts";
import type { ChallengeAnswers } from "./challenge_answers.ts";

export interface ACMEAccountOptions {
  /** The names that a certificate must have. */
  readonly names: readonly string[];
  /** The URL of the authority's directory. */
  readonly directory: string;
  readonly owner: AccountOwner;
  readonly answers: ChallengeAnswers;
  readonly state: ACMEState;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly userAgent: string;
}

/** Orders certificates for an account at an authority, which is made when there is none. */
export class ACMEAccount {
  readonly #options: ACMEAccountOptions;

  constructor(options: ACMEAccountOptions) {
    this.#options = options;
  }

  /** Gets a certificate that is good for all names now. @throws {Error} with a reason for the operator. */
  async obtain(signal: AbortSignal): Promise<KeptCertificate> {
    const { names, directory } = this.#options;
    const certificate = await this.#order(signal);
    const life = certificateLife(certificate);
    if (life === null || !isGoodFor(life, names, new Date())) {
      const seen = life === null
        ? "none that can be read"
        : `${life.names.join(", ")}, from ${life.from.toISOString()} to ${life.to.toISOString()}`;
      throw unexpected(`a certificate that does not fit names and clock (${seen})`);
    }
    return { certificate, life, authority: directory };
  }

  async #order(signal: AbortSignal): Promise<Certificate> {
    const { names, answers } = this.#options;
    const order = async (client: ACMEClient) =>
      await orderCertificate({ client, names, answers, signal });
    try {
      return await order(await this.#client());
    } catch (error) {
      // The authority has forgotten the account, or was set up anew.
      if (!(error instanceof ACMEError) || error.code !== "accountDoesNotExist") throw error;
      const { state } = this.#options;
      await state.keepAccount({ ...await state.account(), url: null });
      return await order(await this.#client());
    }
  }

  /** Returns a client whose account is registered; the key was kept before, so that no account is lost. */
  async #client(): Promise<ACMEClient> {
    const { directory, owner, state, userAgent } = this.#options;
    const account = await state.account();
    const client = new ACMEClient({ directory, key: account.key, userAgent }, account.url);
    const url = await client.register(owner);
    if (url !== account.url) await state.keepAccount({ key: account.key, url });
    return client;
  }
}
