import { Buffer } from "node:buffer";
import { type Field, fieldValue } from "../../http/fields.ts";
import type { SignatureRequest, WebhookScheme } from "./exchange.ts";

/** A signature as the fields of a request give it. */
export interface Claim {
  readonly field: string;
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly encoding: "hex" | "base64";
  /** One of these must be right: senders that change their secret sign with both. */
  readonly signatures: readonly string[];
  /** What is signed in front of the body. */
  readonly prefix: string;
  /** When it was signed, in seconds since 1970; null where the scheme does not say. */
  readonly signedAt: number | null;
  readonly key: Buffer;
}

/** Says why a claim cannot be read. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
  constructor(readonly code: "missing" | "malformed", readonly field: string, message: string) {
    super(message);
  }
}

/** The schemes whose fields have names of their own. */
const NAMED_SCHEMES = ["github", "stripe", "slack", "shopify", "standard"] as const;

/** The field that has the signature of a scheme. */
const SIGNATURE_FIELDS: Readonly<Record<(typeof NAMED_SCHEMES)[number], string>> = {
  github: "x-hub-signature-256",
  stripe: "stripe-signature",
  slack: "x-slack-signature",
  shopify: "x-shopify-hmac-sha256",
  standard: "webhook-signature",
};

/** Svix signs as Standard Webhooks do, under names of its own. */
const SVIX_FIELD = "svix-signature";

/** Names of fields that have a plain HMAC. */
const PLAIN = /signature|hmac/;

/** A prefix that is no part of a secret's base64. */
export const SECRET_PREFIX = /^whsec_/;

/** Returns the scheme that the fields of a request speak of. */
export function detectScheme(fields: readonly Field[]): WebhookScheme | null {
  const names = new Set(fields.map(([name]) => name));
  for (const scheme of NAMED_SCHEMES) {
    if (names.has(SIGNATURE_FIELDS[scheme])) return scheme;
  }
  if (names.has(SVIX_FIELD)) return "standard";
  return plainField(fields) === undefined ? null : "hmac";
}

/** Finds the field of a plain HMAC. */
function plainField(fields: readonly Field[]): string | undefined {
  return fields.find(([name]) => PLAIN.test(name) && !NOT_OF_BODY.has(name))?.[0];
}

/** Signatures of the message itself (RFC 9421), which are made otherwise. */
const NOT_OF_BODY: ReadonlySet<string> = new Set(["signature", "signature-input"]);

/** Reads the signature out of a request. @throws {ClaimError} */
export function readClaim(
  fields: readonly Field[],
  asked: SignatureRequest,
  scheme: WebhookScheme,
): Claim {
  const key = Buffer.from(asked.secret);
  const common = { algorithm: "sha256", encoding: "hex", prefix: "", signedAt: null, key } as const;
  switch (scheme) {
    case "github": {
      const field = SIGNATURE_FIELDS.github;
      const signature = behind("sha256=", needed(fields, field), field);
      return { ...common, field, signatures: [signature] };
    }
    case "shopify": {
      const field = SIGNATURE_FIELDS.shopify;
      return { ...common, field, encoding: "base64", signatures: [needed(fields, field)] };
    }
    case "slack": {
      const field = SIGNATURE_FIELDS.slack;
      const signature = behind("v0=", needed(fields, field), field);
      const { time, signedAt } = timeIn(fields, "x-slack-request-timestamp");
      return { ...common, field, signatures: [signature], prefix: `v0:${time}:`, signedAt };
    }
    case "stripe":
      return { ...common, ...stripeClaim(fields) };
    case "standard":
      return { ...common, ...standardClaim(fields, asked.secret) };
    case "hmac":
      return { ...common, ...plainClaim(fields, asked.field) };
  }
}

function stripeClaim(fields: readonly Field[]): Omit<Claim, "algorithm" | "encoding" | "key"> {
  const field = SIGNATURE_FIELDS.stripe;
  const parts = needed(fields, field).split(",").map((part) => part.trim().split("="));
  const time = parts.find(([name]) => name === "t")?.[1] ?? "";
  const signatures = parts.flatMap(([name, value = ""]) => name === "v1" ? [value] : []);
  if (!SECONDS.test(time) || signatures.length === 0) {
    throw new ClaimError("malformed", field, `${field} must be like t=1700000000,v1=5257a8…`);
  }
  return { field, signatures, prefix: `${time}.`, signedAt: Number(time) };
}

function standardClaim(
  fields: readonly Field[],
  secret: string,
): Omit<Claim, "algorithm"> {
  const isSvix = fieldValue(fields, SIGNATURE_FIELDS.standard) === undefined &&
    fieldValue(fields, SVIX_FIELD) !== undefined;
  const name = isSvix ? "svix" : "webhook";
  const field = `${name}-signature`;
  const signatures = needed(fields, field).split(" ").flatMap((each) =>
    each.startsWith("v1,") ? [each.slice("v1,".length)] : []
  );
  if (signatures.length === 0) {
    throw new ClaimError("malformed", field, `${field} must be like v1,K5oZfzN95Z9UVu1EsfQmfV…`);
  }
  const id = needed(fields, `${name}-id`);
  const { time, signedAt } = timeIn(fields, `${name}-timestamp`);
  const key = Buffer.from(secret.trim().replace(SECRET_PREFIX, ""), "base64");
  return { field, encoding: "base64", signatures, prefix: `${id}.${time}.`, signedAt, key };
}

function plainClaim(
  fields: readonly Field[],
  named: string | undefined,
): Omit<Claim, "prefix" | "signedAt" | "key"> {
  const field = named?.toLowerCase() ?? plainField(fields) ?? "x-signature";
  const value = needed(fields, field).trim();
  // Some senders write the algorithm in front.
  const [, algorithm = "", signature = value] = /^(sha1|sha256|sha512)=(.+)$/.exec(value) ?? [];
  const encoding = /^(?:[0-9a-f]{2})+$/i.test(signature) ? "hex" : "base64";
  const length = Buffer.from(signature, encoding).length;
  const known = LENGTHS.get(length);
  if (known === undefined || (algorithm !== "" && algorithm !== known)) {
    const wanted = "the HMAC of SHA-1, SHA-256 or SHA-512 in hex or base64";
    throw new ClaimError("malformed", field, `${field} must be ${wanted}; it has ${length} bytes`);
  }
  return { field, algorithm: known, encoding, signatures: [signature] };
}

/** The algorithms by the bytes of their digests. */
const LENGTHS: ReadonlyMap<number, Claim["algorithm"]> = new Map([
  [20, "sha1"],
  [32, "sha256"],
  [64, "sha512"],
]);

const SECONDS = /^[0-9]{1,12}$/;

function timeIn(
  fields: readonly Field[],
  field: string,
): { readonly time: string; readonly signedAt: number } {
  const time = needed(fields, field);
  if (SECONDS.test(time)) return { time, signedAt: Number(time) };
  throw new ClaimError("malformed", field, `${field} must be the seconds since 1970`);
}

function needed(fields: readonly Field[], field: string): string {
  const value = fieldValue(fields, field);
  if (value !== undefined) return value;
  throw new ClaimError(
    "missing",
    field,
    `The request has no ${field}. Was it sent without a secret?`,
  );
}

function behind(prefix: string, value: string, field: string): string {
  if (value.startsWith(prefix)) return value.slice(prefix.length);
  throw new ClaimError("malformed", field, `${field} must begin with ${prefix}`);
}
