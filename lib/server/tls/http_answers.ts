import type { ChallengeAnswers, Proof } from "./challenge_answers.ts";

/** Where an authority looks for proofs of one name (RFC 8555 section 8.3). */
const PATH = "/.well-known/acme-challenge/";

/** Shows proofs by HTTP without TLS, for one name and no wildcard. */
export class HTTPAnswers implements ChallengeAnswers {
  readonly type = "http-01";
  readonly advice: string;
  /** By target; as many as an order has names. */
  readonly #texts = new Map<string, string>();

  constructor({ domain }: { readonly domain: string }) {
    this.advice = `Let http://${domain}/ on port 80 lead to this server's --http-port`;
  }

  /** Returns what the target is answered with; null for one where nothing is shown. */
  find(target: string): string | null {
    return this.#texts.get(target) ?? null;
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
