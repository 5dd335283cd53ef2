import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Field } from "../../http/fields.ts";
import type { SignatureCheck, SignatureRequest, WebhookScheme } from "./exchange.ts";
import {
  type Claim,
  ClaimError,
  detectScheme,
  readClaim,
  SECRET_PREFIX,
} from "./signature_claim.ts";

/** Seconds between a signature and its arrival that the senders' own libraries allow, either way. */
const TOLERANCE = 300;

/** What was signed, as far as it was kept. */
export interface SignedRequest {
  readonly fields: readonly Field[];
  readonly body: Uint8Array;
  /** Whether that is all of the body. */
  readonly isWhole: boolean;
  /** When it came, in seconds since 1970. */
  readonly arrived: number;
}

/** Checks the signature of a webhook, and says what is wrong with it. */
export function checkSignature(request: SignedRequest, asked: SignatureRequest): SignatureCheck {
  const scheme = asked.scheme ?? detectScheme(request.fields);
  if (scheme === null) {
    return {
      ...{ scheme: "hmac", isRight: false, code: "missing", field: null, age: null },
      message: "None of the request's fields looks like a signature. Was it sent without a secret?",
    };
  }
  try {
    return checkClaim(request, { ...asked, scheme }, readClaim(request.fields, asked, scheme));
  } catch (error) {
    if (!(error instanceof ClaimError)) throw error;
    const { code, field, message } = error;
    return { scheme, isRight: false, code, message, field, age: null };
  }
}

function checkClaim(
  request: SignedRequest,
  { scheme, secret }: SignatureRequest & { readonly scheme: WebhookScheme },
  claim: Claim,
): SignatureCheck {
  const { field, signedAt } = claim;
  const age = signedAt === null ? null : Math.round((request.arrived - signedAt) * 1000) / 1000;
  const answer = (code: SignatureCheck["code"], message: string): SignatureCheck => ({
    ...{ scheme, isRight: code === "right", code, message, field, age },
  });
  if (!request.isWhole) {
    return answer("body", "Not all of the body was kept, and the signature covers all of it.");
  }
  if (!isSigned(claim, request.body)) return answer("wrong", whyWrong(claim, request, secret));
  if (age === null || Math.abs(age) <= TOLERANCE) {
    return answer("right", `The signature in ${field} is right${ageText(age)}.`);
  }
  const when = age < 0 ? `${-age} s after` : `${age} s before`;
  return answer(
    "old",
    `The signature in ${field} is right, but was made ${when} the request arrived. ` +
      `Most libraries allow ${TOLERANCE} s: the request was sent late or again, or a clock is wrong.`,
  );
}

function ageText(age: number | null): string {
  return age === null ? "" : `, and ${age} s old at arrival`;
}

/** Looks for the mistakes that are made most often. */
function whyWrong(claim: Claim, { body }: SignedRequest, secret: string): string {
  const { field, algorithm, encoding } = claim;
  const trimmed = secret.trim();
  if (trimmed !== secret && isSigned({ ...claim, key: Buffer.from(trimmed) }, body)) {
    return `The signature in ${field} is right once the blanks around the secret are left out.`;
  }
  const decoded = Buffer.from(trimmed.replace(SECRET_PREFIX, ""), "base64");
  if (decoded.length > 0 && isSigned({ ...claim, key: decoded }, body)) {
    return `The signature in ${field} is right with the secret decoded from base64.`;
  }
  if (isSigned({ ...claim, key: Buffer.from(trimmed) }, body)) {
    return `The signature in ${field} is right with the secret as text, not decoded from base64.`;
  }
  if (claim.prefix !== "" && isSigned({ ...claim, prefix: "" }, body)) {
    return `The signature in ${field} covers the body alone, without the time that belongs to it.`;
  }
  for (const [name, changed] of variantsOf(body)) {
    if (isSigned(claim, changed)) {
      return `The signature in ${field} is that of the body ${name}: something on the way changed it.`;
    }
  }
  for (const other of ["sha1", "sha256", "sha512"] as const) {
    if (other !== algorithm && isSigned({ ...claim, algorithm: other }, body)) {
      return `The signature in ${field} is right as HMAC-${other.toUpperCase()}.`;
    }
  }
  return `The signature in ${field} is not the HMAC-${algorithm.toUpperCase()} in ${encoding} of ` +
    `${claim.prefix === "" ? "" : "its time and "}these ${body.length} bytes with this secret. ` +
    "Either it is another endpoint's secret, or the body was changed after it was signed.";
}

/** Bodies as they may have been before something on the way wrote them anew. */
function* variantsOf(body: Uint8Array): Generator<readonly [string, Uint8Array]> {
  const text = new TextDecoder().decode(body);
  yield ["without the line end behind it", encoder.encode(text.replace(/\r?\n$/, ""))];
  yield ["with a line end behind it", encoder.encode(`${text}\n`)];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return;
  }
  yield ["written without blanks", encoder.encode(JSON.stringify(value))];
}

const encoder = new TextEncoder();

function isSigned(claim: Claim, body: Uint8Array): boolean {
  const made = createHmac(claim.algorithm, claim.key).update(claim.prefix).update(body).digest();
  return claim.signatures.some((signature) => {
    const given = Buffer.from(signature, claim.encoding);
    return given.length === made.length && timingSafeEqual(given, made);
  });
}
