import { encodeBase64Url } from "@std/encoding/base64url";
import { sha256 } from "./account_key.ts";
import { type ACMEAnswer, type ACMEClient, codeOf, detailOf, unexpected } from "./acme_client.ts";
import { ACMEError } from "./acme_error.ts";
import {
  challengeOf,
  type ChallengeOffer,
  failureOf,
  isRecord,
  textOf,
  textsOf,
} from "./acme_messages.ts";
import { CertificateKey } from "./certificate_key.ts";
import { certificateRequest } from "./certificate_request.ts";
import type { Certificate } from "./certificate_source.ts";
import type { ChallengeAnswers, Proof } from "./challenge_answers.ts";
import { pause } from "./pause.ts";

/** Milliseconds between questions, when the authority does not say how long it takes. */
const ASK_AGAIN = 1_000;

/** Milliseconds that are waited between questions at most, whatever the authority says. */
const LONGEST_PAUSE = 30_000;

/** Questions about one thing: five minutes in all, or more where the authority wants longer pauses. */
const MAX_QUESTIONS = 300;

export interface OrderOptions {
  readonly client: ACMEClient;
  readonly names: readonly string[];
  readonly answers: ChallengeAnswers;
  readonly signal: AbortSignal;
}

/**
 * Gets a certificate (RFC 8555 section 7.4): an order, a proof for each name, a request, the chain.
 *
 * All proofs are shown before the first is looked at, since a resolver may remember what it saw under a name that two of
 * them share. They are looked at one by one: the first that fails ends the order, and counts once among the failures
 * that an authority allows.
 */
export async function orderCertificate(options: OrderOptions): Promise<Certificate> {
  const { client, names } = options;
  const made = await client.order(names);
  if (made.location === null) throw unexpected("no URL of the order");
  await proveAll(options, textsOf(made.json, "authorizations"));
  const ready = await settled(options, made.location, ["pending"]);
  const finalize = textOf(ready.json, "finalize");
  if (finalize === null) throw unexpected("no URL to finalize the order");
  const key = await CertificateKey.make();
  const csr = encodeBase64Url(await certificateRequest(names, key));
  await client.post(finalize, { csr });
  const valid = await settled(options, made.location, ["ready", "processing"]);
  const url = textOf(valid.json, "certificate");
  if (url === null) throw orderFailed(valid);
  const { body } = await client.read(url);
  return { cert: new TextDecoder().decode(body), key: key.pem };
}

/** A proof that is to be looked at, and where its authorization stands. */
interface Pending {
  readonly authorization: string;
  readonly challenge: ChallengeOffer;
  readonly proof: Proof;
}

async function proveAll(options: OrderOptions, authorizations: readonly string[]): Promise<void> {
  const { answers, signal } = options;
  const shown: Pending[] = [];
  try {
    for (const url of authorizations) {
      const pending = await pendingProof(options, url);
      if (pending === null) continue;
      shown.push(pending);
      await answers.show(pending.proof);
    }
    if (shown.length === 0) return;
    await answers.seen(shown.map(({ proof }) => proof), signal);
    for (const pending of shown) await prove(options, pending);
  } finally {
    for (const { proof } of shown) await answers.hide(proof);
  }
}

/** Returns what is to be proved; null for a name that the authority believes already. */
async function pendingProof(
  { client, answers }: OrderOptions,
  authorization: string,
): Promise<Pending | null> {
  const { json } = await client.read(authorization);
  if (json?.["status"] === "valid") return null;
  const challenge = challengeOf(json, answers.type);
  const identifier = json?.["identifier"];
  const name = isRecord(identifier) ? textOf(identifier, "value") : null;
  if (challenge === null || name === null) {
    throw new ACMEError(`the authority offers no ${answers.type} for this name`, {
      code: "unexpected",
    });
  }
  const keyAuthorization = await client.key.authorize(challenge.token);
  const text = encodeBase64Url(await sha256(keyAuthorization));
  const proof = { name, token: challenge.token, keyAuthorization, text };
  return { authorization, challenge, proof };
}

async function prove(options: OrderOptions, pending: Pending): Promise<void> {
  const { client, answers } = options;
  await client.post(pending.challenge.url, {});
  const { json } = await settled(options, pending.authorization, ["pending", "processing"]);
  if (json?.["status"] === "valid") return;
  const failure = failureOf(json);
  const detail = detailOf(failure) ?? `the authorization is ${json?.["status"]}`;
  throw new ACMEError(
    `the authority could not see that ${pending.proof.name} is this server's: ${detail}. ` +
      answers.advice,
    { code: codeOf(failure) },
  );
}

/** Asks until the state is none of these, and returns what it is then. */
async function settled(
  { client, signal }: OrderOptions,
  url: string,
  unsettled: readonly string[],
): Promise<ACMEAnswer> {
  for (let i = 0; i < MAX_QUESTIONS; i++) {
    const answer = await client.read(url);
    const status = textOf(answer.json, "status");
    if (status === "invalid" && unsettled.includes("ready")) throw orderFailed(answer);
    if (status === null || !unsettled.includes(status)) return answer;
    await pause(Math.min(answer.retryAfter ?? ASK_AGAIN, LONGEST_PAUSE), signal);
  }
  throw unexpected("it did not decide in time");
}

function orderFailed({ json }: ACMEAnswer): ACMEError {
  const error = json?.["error"];
  const failure = isRecord(error) ? error : undefined;
  return new ACMEError(`the authority gave no certificate: ${detailOf(failure) ?? "no reason"}`, {
    code: codeOf(failure),
  });
}
