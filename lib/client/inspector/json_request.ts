import type { Field } from "../../http/fields.ts";
import { APIError } from "./api_error.ts";
import {
  MAX_REPLAY_TIMES,
  type ReplayRequest,
  type SignatureRequest,
  WEBHOOK_SCHEMES,
  type WebhookScheme,
} from "./exchange.ts";

/** Bytes of the JSON that a call may bring: an edited body of a few megabytes. */
const MAX_JSON = 4 * 1024 * 1024;

type JSONObject = Readonly<Record<string, unknown>>;

/** Reads the JSON object that a call brings; an empty body is one without members. @throws {APIError} for anything else. */
export async function readJSON(request: Request): Promise<JSONObject> {
  let value: unknown;
  try {
    value = JSON.parse(await readText(request) || "{}");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong("The body", "JSON");
  }
  if (!isObject(value)) throw wrong("The body", "a JSON object");
  return value;
}

async function readText(request: Request): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > MAX_JSON) {
      throw new APIError("too_large", `The body has more than ${MAX_JSON} bytes.`);
    }
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** Reads what a replay is asked to be. @throws {APIError} that names the member which is wrong. */
export function parseReplay(object: JSONObject): ReplayRequest {
  allowMembers("", object, REPLAY_MEMBERS);
  const { method, target, fields, body, times, wait } = object;
  return {
    ...(method === undefined ? {} : { method: textOf("method", method) }),
    ...(target === undefined ? {} : { target: textOf("target", target) }),
    ...(fields === undefined ? {} : { fields: fieldsOf(fields) }),
    ...(body === undefined ? {} : { body: bodyOf(body) }),
    ...(times === undefined ? {} : { times: timesOf(times) }),
    ...(wait === undefined ? {} : { wait: switchOf("wait", wait) }),
  };
}

const REPLAY_MEMBERS = ["method", "target", "fields", "body", "times", "wait"] as const;

/** Reads which signature is to be checked. @throws {APIError} that names the member which is wrong. */
export function parseSignature(object: JSONObject): SignatureRequest {
  allowMembers("", object, SIGNATURE_MEMBERS);
  const { secret, scheme, field } = object;
  if (secret === undefined || secret === "") throw wrong("secret", "the secret to check with");
  return {
    secret: textOf("secret", secret),
    ...(scheme === undefined || scheme === null ? {} : { scheme: schemeOf(scheme) }),
    ...(field === undefined || field === null ? {} : { field: textOf("field", field) }),
  };
}

const SIGNATURE_MEMBERS = ["secret", "scheme", "field"] as const;

/** Characters of a member's name that a refusal shows. */
const MAX_NAME = 80;

/** Refuses members that nothing is known of: a misspelt one would do something else than what was asked for, unseen. */
function allowMembers(of: string, object: JSONObject, known: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const name = JSON.stringify(of + unknown.slice(0, MAX_NAME));
  const others = known.map((member) => of + member);
  const message = `There is no member ${name}; there are ${others.slice(0, -1).join(", ")} and ` +
    `${others.at(-1)}.`;
  throw new APIError("bad_request", message);
}

function schemeOf(value: unknown): WebhookScheme {
  const scheme = WEBHOOK_SCHEMES.find((known) => known === value);
  if (scheme === undefined) throw wrong("scheme", `one of ${WEBHOOK_SCHEMES.join(", ")}`);
  return scheme;
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== "string") throw wrong(name, "a text");
  return value;
}

function switchOf(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw wrong(name, "true or false");
  return value;
}

function timesOf(value: unknown): number {
  const isNumber = typeof value === "number" && Number.isInteger(value);
  if (!isNumber || value < 1 || value > MAX_REPLAY_TIMES) {
    throw wrong("times", `a whole number from 1 to ${MAX_REPLAY_TIMES}`);
  }
  return value;
}

function fieldsOf(value: unknown): Field[] {
  const wanted = 'a list of pairs such as ["accept", "text/html"]';
  if (!Array.isArray(value)) throw wrong("fields", wanted);
  return value.map((pair: unknown) => {
    const [name, content] = Array.isArray(pair) && pair.length === 2 ? pair : [];
    if (typeof name !== "string" || typeof content !== "string") throw wrong("fields", wanted);
    return [name, content];
  });
}

function bodyOf(value: unknown): NonNullable<ReplayRequest["body"]> | null {
  if (value === null) return null;
  if (isObject(value)) {
    allowMembers("body.", value, BODY_MEMBERS);
    const { text, base64 } = value;
    if (typeof text === "string" && base64 === undefined) return { text };
    if (typeof base64 === "string" && text === undefined) return { base64 };
  }
  throw wrong("body", '{"text": "…"}, {"base64": "…"} or null');
}

const BODY_MEMBERS = ["text", "base64"] as const;

function isObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(name: string, wanted: string): APIError {
  return new APIError("bad_request", `${name} must be ${wanted}.`);
}
