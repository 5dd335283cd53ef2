import type { SealedTexts } from "../bus/sealed_texts.ts";
import { isRecord, textOf } from "./acme_messages.ts";
import type { ChallengeAnswers, Proof } from "./challenge_answers.ts";

/** The name of what is shown, on the bus. */
const PROOFS = "acme:proofs";

/** Milliseconds that a proof is shown by the others at most: longer than an order takes. */
const LIFETIME = 3_600_000;

/** Proofs at once: one for a domain and one for its wildcard. */
const MAX_PROOFS = 2;

/** Shows proofs at every node of a domain: an authority may ask any of them. */
export class SharedAnswers implements ChallengeAnswers {
  readonly #answers: ChallengeAnswers;
  readonly #texts: SealedTexts;
  #shown: readonly Proof[] = [];

  /** `answers` is how this node shows them. */
  constructor(answers: ChallengeAnswers, texts: SealedTexts) {
    this.#answers = answers;
    this.#texts = texts;
  }

  get type(): ChallengeAnswers["type"] {
    return this.#answers.type;
  }

  get advice(): string {
    return this.#answers.advice;
  }

  async show(proof: Proof): Promise<void> {
    await this.#answers.show(proof);
    await this.#share([...this.#shown, proof]);
  }

  async hide(proof: Proof): Promise<void> {
    await this.#answers.hide(proof);
    try {
      await this.#share(this.#shown.filter(({ token }) => token !== proof.token));
    } catch {
      // It runs out by itself.
    }
  }

  async seen(proofs: readonly Proof[], signal: AbortSignal): Promise<void> {
    await this.#answers.seen(proofs, signal);
  }

  async #share(proofs: readonly Proof[]): Promise<void> {
    this.#shown = proofs;
    await this.#texts.keep(PROOFS, JSON.stringify(proofs), LIFETIME);
  }
}

/** Returns the proofs that some node of the domain shows now. @throws {BusError} */
export async function sharedProofs(texts: SealedTexts): Promise<readonly Proof[]> {
  const text = await texts.find(PROOFS);
  if (text === null) return [];
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.slice(0, MAX_PROOFS).flatMap(parseProof) : [];
}

function parseProof(value: unknown): readonly Proof[] {
  const json = isRecord(value) ? value : {};
  const [name, token] = [textOf(json, "name"), textOf(json, "token")];
  const [keyAuthorization, text] = [textOf(json, "keyAuthorization"), textOf(json, "text")];
  const isWhole = name !== null && token !== null && keyAuthorization !== null && text !== null;
  return isWhole ? [{ name, token, keyAuthorization, text }] : [];
}
