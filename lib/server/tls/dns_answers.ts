import type { ChallengeAnswers, Proof } from "./challenge_answers.ts";
import type { DNSLookup } from "./dns_lookup.ts";
import type { DNSResponder } from "./dns_responder.ts";

/** The name under which an authority looks for proofs (RFC 8555 section 8.4). */
export function challengeName(domain: string): string {
  return `_acme-challenge.${domain}`;
}

/** Says which records lead an authority here. */
export function recordsAdvice(domain: string): string {
  return `Set this DNS record where ${domain} is managed: ${challengeName(domain)} NS ${domain} ` +
    `(${domain} and *.${domain} being A or AAAA records of this server), and let UDP and TCP to ` +
    "port 53 reach it";
}

/** Shows proofs by a responder of this server's own, to which the name is delegated. */
export class DNSAnswers implements ChallengeAnswers {
  readonly type = "dns-01";
  readonly advice: string;
  readonly #responder: DNSResponder;
  readonly #lookup: DNSLookup;

  constructor(
    { domain, responder, lookup }: {
      readonly domain: string;
      readonly responder: DNSResponder;
      readonly lookup: DNSLookup;
    },
  ) {
    this.advice = recordsAdvice(domain);
    this.#responder = responder;
    this.#lookup = lookup;
  }

  show({ text }: Proof): Promise<void> {
    const { problem } = this.#responder;
    // The authority would count a failure.
    if (problem !== null) return Promise.reject(new Error(problem));
    this.#responder.add(text);
    return Promise.resolve();
  }

  hide({ text }: Proof): Promise<void> {
    this.#responder.remove(text);
    return Promise.resolve();
  }

  async seen(proofs: readonly Proof[], signal: AbortSignal): Promise<void> {
    await seenByName(this.#lookup, proofs, signal);
  }
}

/** Waits for the proofs of each name. */
export async function seenByName(
  lookup: DNSLookup,
  proofs: readonly Proof[],
  signal: AbortSignal,
): Promise<void> {
  for (const name of new Set(proofs.map((proof) => proof.name))) {
    const texts = proofs.filter((proof) => proof.name === name).map(({ text }) => text);
    await lookup.seen(challengeName(name), texts, signal);
  }
}
