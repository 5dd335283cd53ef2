import { accepts } from "@std/http/negotiation";
import { STATUS_TEXT } from "@std/http/status";
import { type Field, fieldValue } from "../../http/fields.ts";
import type { Answer, AnswerCode } from "../listen/visit.ts";
import { RETRY_SOON, type VisitRefusal } from "../tunnels/upstream.ts";

/** What of a request decides how its error is shown. */
export interface ErrorRequest {
  readonly method: string;
  readonly fields: readonly Field[];
}

/** What an error page says. */
export interface ErrorPage {
  readonly code: AnswerCode;
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** Beside the usual ones. @default none */
  readonly fields?: readonly Field[];
}

/** An answer that is here whole. */
export type WholeAnswer = Answer & { readonly body: Uint8Array<ArrayBuffer> | null };

/** Answers with a short page, or with plain text where HTML is not asked for. */
export function errorAnswer(
  request: ErrorRequest,
  { code, status, title, text, fields = [] }: ErrorPage,
): WholeAnswer {
  const isHtml = prefersHtml(fieldValue(request.fields, "accept"));
  const body = encoder.encode(
    isHtml ? page(status, title, text) : `${status} ${title}\n\n${text}\n`,
  );
  return {
    code,
    status,
    fields: [
      ["content-type", isHtml ? "text/html; charset=utf-8" : "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
      ["cache-control", "no-store"],
      ["x-content-type-options", "nosniff"],
      ["content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"],
      ...fields,
    ],
    body: request.method === "HEAD" ? null : body,
  };
}

/** Answers with a status and its reason, where none of the pages below is meant. */
export function refusalAnswer(request: ErrorRequest, refusal: VisitRefusal): WholeAnswer {
  const { status, reason } = refusal;
  return errorAnswer(request, {
    ...refusal,
    title: STATUS_TEXT[status] ?? "Error",
    text: sentence(reason),
  });
}

export function unknownTunnel(request: ErrorRequest, hostname: string): WholeAnswer {
  return errorAnswer(request, {
    code: "unknown",
    status: 404,
    title: "No such tunnel",
    text:
      `There is no tunnel at ${hostname}. The address may be mistyped, or its client has not connected yet.`,
  });
}

/** Tells that a tunnel has no client; only one that was lost a moment ago is worth another request soon. */
export function clientAway(
  request: ErrorRequest,
  hostname: string,
  { isAwaited }: { readonly isAwaited: boolean },
): WholeAnswer {
  return errorAnswer(request, {
    code: "away",
    status: 502,
    title: "The tunnel's client is away",
    text:
      `The client of ${hostname} is not connected. Should it connect again, the address stays the same.`,
    fields: isAwaited ? [RETRY_SOON] : [],
  });
}

/** Tells that the local service could not be reached or broke off, with the code that the client gave. */
export function originFailed(
  request: ErrorRequest,
  code: "unreachable" | "malformed" | "cut" | "failed",
  reason: string,
): WholeAnswer {
  return errorAnswer(request, {
    code,
    status: 502,
    title: "The local service did not answer",
    text: `The tunnel is up, but the service behind it failed: ${sentence(reason)} (${code})`,
  });
}

export function originTooSlow(request: ErrorRequest, seconds: number): WholeAnswer {
  return errorAnswer(request, {
    code: "timeout",
    status: 504,
    title: "The local service took too long",
    text:
      `The tunnel is up, but the service behind it did not begin to answer within ${seconds} seconds.`,
  });
}

/** Answers 405 with the methods that would be taken (RFC 9110 section 15.5.6). */
export function methodNotAllowed(request: ErrorRequest, allow: readonly string[]): WholeAnswer {
  return refusalAnswer(request, {
    code: "request",
    status: 405,
    reason: `the method ${request.method} is not served here`,
    fields: [["allow", allow.join(", ")]],
  });
}

/** Answers 503, and tells when to try again. */
export function tooBusy(
  request: ErrorRequest,
  refusal: Pick<VisitRefusal, "code" | "reason">,
): WholeAnswer {
  return refusalAnswer(request, { ...refusal, status: 503, fields: [RETRY_SOON] });
}

/** Characters of Accept that are looked at: browsers send some two hundred, and 60 KB of types take 20 ms to weigh. */
const MAX_ACCEPT = 1024;

// Plain text comes first because any type at all is what command-line tools ask for, while browsers name HTML.
function prefersHtml(asked: string | undefined): boolean {
  if (asked === undefined) return false;
  const accept = asked.length > MAX_ACCEPT ? wholeMembers(asked, MAX_ACCEPT) : asked;
  return accepts({ headers: new Headers({ accept }) }, "text/plain", "text/html") === "text/html";
}

/** Returns those first members of a list that end within so many characters. */
function wholeMembers(list: string, most: number): string {
  return list.slice(0, Math.max(0, list.lastIndexOf(",", most)));
}

const encoder = new TextEncoder();

const STYLE = `:root{color-scheme:light dark}` +
  `body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto 0;padding:0 1.5rem}` +
  `h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0;overflow-wrap:anywhere}` +
  `small{display:block;margin-top:1.5rem;opacity:.6}`;

function page(status: number, title: string, text: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
<small>${status} ${escapeHtml(STATUS_TEXT[status] ?? "")}</small>
</body>
</html>
`;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES.get(character) ?? "");
}

/** Makes a reason, as the other parts word it, a sentence. */
function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${/[.!?]$/.test(reason) ? "" : "."}`;
}
