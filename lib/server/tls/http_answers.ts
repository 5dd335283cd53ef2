import type { ChallengeAnswers, Proof } from "./challenge_answers.ts";

/** Where an authority looks for proofs of one name (RFC 8555 section 8.3). */
const PATH = "/.well-known/acme-challenge/";

/** Questions to the other nodes at once: strangers can ask for tokens that there are none of. */
const MAX_LOOKUPS = 100;

export interface HTTPAnswersOptions {
  readonly domain: string;
  /** Returns the proofs that other nodes of the domain show; rejects when they cannot be asked for. @default there are no others */
  readonly elsewhere?: (() => Promise<readonly Proof[]>) | undefined;
}

/** Shows proofs by HTTP without TLS, for one name and no wildcard. */
export class HTTPAnswers implements ChallengeAnswers {
  readonly type = "http-01";
  readonly advice: string;
  /** By target; as many as an order has names. */
  readonly #texts = new Map<string, string>();
  readonly #elsewhere: (() => Promise<readonly Proof[]>) | undefined;
  #lookups = 0;

  constructor({ domain, elsewhere }: HTTPAnswersOptions) {
    this.advice = `Let http://${domain}/ on port 80 lead to this server's --http-port`;
    this.#elsewhere = elsewhere;
  }

  /** Returns what the target is answered with; null for one where nothing is shown. */
  find(target: string): string | null | Promise<string | null> {
    const own = this.#texts.get(target) ?? null;
    const elsewhere = this.#elsewhere;
    if (own !== null || elsewhere === undefined || !target.startsWith(PATH)) return own;
    if (this.#lookups >= MAX_LOOKUPS) return null;
    return this.#findElsewhere(target, elsewhere);
  }

  async #findElsewhere(
    target: string,
    elsewhere: () => Promise<readonly Proof[]>,
  ): Promise<string | null> {
    this.#lookups++;
    try {
      const proof = (await elsewhere()).find(({ token }) => PATH + token === target);
      return proof?.keyAuthorization ?? null;
    } catch {
      return null;
    } finally {
      this.#lookups--;
    }
  }

  show({ token, keyAuthorization }: Proof): Promise<void> {
    this.#texts.set(PATH + token, keyAuthorization);
    return Promise.resolve();
  }

  hide({ token }: Proof): Promise<void> {
    this.#texts.delete(PATH + token);
    return Promise.resolve();
  }

  seen(): Promise<void> {
    return Promise.resolve();
  }
}
