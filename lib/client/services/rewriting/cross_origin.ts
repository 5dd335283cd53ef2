import { isOrigin } from "../../../net/authority.ts";
import { type Field, fieldValue, listMembers } from "../../../http/fields.ts";
import { isPreflight, type RequestHead, type ResponseHead } from "../../../http/head.ts";

/** Pages of which sites may read what a service answers: `*` for all, without their cookies. */
export type CrossOrigin = "*" | readonly string[];

/** Reads `*`, or origins with commas between. @throws {RangeError} "must …" for anything else. */
export function parseCrossOrigin(text: string): CrossOrigin {
  if (text.trim() === "*") return "*";
  const origins = text.split(",").map((part) => part.trim());
  if (origins.every((origin) => isOrigin(origin) && !origin.includes("*"))) return origins;
  throw new RangeError("must be * or origins such as https://app.example.com, with commas between");
}

/** Seconds that a browser may remember an answer to a preflight: ten minutes, since the owner changes things. */
const MAX_AGE = 600;

/** Returns the answer to a preflight (Fetch standard, section 3.3.3); null for any other request. */
export function preflightAnswer(request: RequestHead, allowed: CrossOrigin): ResponseHead | null {
  if (!isPreflight(request)) return null;
  const sharing = sharingFields(request, allowed);
  const method = fieldValue(request.fields, "access-control-request-method") ?? "";
  const names = fieldValue(request.fields, "access-control-request-headers");
  const fields: readonly Field[] = [
    ...sharing,
    ["access-control-allow-methods", method],
    ...names === undefined ? [] : [["access-control-allow-headers", names]] as const,
    ["access-control-max-age", `${MAX_AGE}`],
  ];
  return { status: 204, fields: isAllowed(request, allowed) ? fields : sharing };
}

/**
 * Returns the fields of an answer with what lets the page of another site read it, in the place of the service's own. What
 * of them such a page may see is all, unless the service says it itself.
 */
export function sharedFields(
  fields: readonly Field[],
  request: RequestHead,
  allowed: CrossOrigin,
): Field[] {
  const kept = fields.filter(([name]) => name !== ALLOW_ORIGIN && name !== ALLOW_CREDENTIALS);
  const names = kept.map(([name]) => name);
  for (const field of sharingFields(request, allowed)) {
    const isKnown = field[0] === "vary" && variesByOrigin(kept);
    if (!isKnown) kept.push(field);
  }
  if (isAllowed(request, allowed) && !names.includes(EXPOSE)) {
    // The star means all for answers without credentials alone (Fetch standard, section 3.3.6).
    kept.push([EXPOSE, allowed === "*" ? "*" : [...new Set(names)].join(", ")]);
  }
  return kept;
}

const EXPOSE = "access-control-expose-headers";
const ALLOW_ORIGIN = "access-control-allow-origin";
const ALLOW_CREDENTIALS = "access-control-allow-credentials";

function sharingFields(request: RequestHead, allowed: CrossOrigin): readonly Field[] {
  if (allowed === "*") return [[ALLOW_ORIGIN, "*"]];
  const varying: Field = ["vary", "Origin"];
  if (!isAllowed(request, allowed)) return [varying];
  const origin = fieldValue(request.fields, "origin") ?? "";
  return [[ALLOW_ORIGIN, origin], [ALLOW_CREDENTIALS, "true"], varying];
}

function isAllowed({ fields }: RequestHead, allowed: CrossOrigin): boolean {
  return allowed === "*" || allowed.includes(fieldValue(fields, "origin") ?? "");
}

function variesByOrigin(fields: readonly Field[]): boolean {
  return fields.some(([name, value]) =>
    name === "vary" &&
    listMembers(value).some((member) => member === "*" || member.toLowerCase() === "origin")
  );
}
