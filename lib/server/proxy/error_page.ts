import { accepts } from "@std/http/negotiation";
import { STATUS_TEXT } from "@std/http/status";
import type { Field } from "../../http/fields.ts";

/** What of a request decides how its error is shown. */
export type ErrorRequest = Pick<Request, "method" | "headers">;

/** Answers with a short page, or with plain text to whoever does not ask for HTML. */
export function errorResponse(
  request: ErrorRequest,
  status: number,
  title: string,
  text: string,
  fields: readonly Field[] = [],
): Response {
  // Plain text comes first because `*/*` is what command-line tools send, while browsers name HTML.
  const isHtml = accepts(request, "text/plain", "text/html") === "text/html";
  const body = encoder.encode(
    isHtml ? page(status, title, text) : `${status} ${title}\n\n${text}\n`,
  );
  const headers = new Headers({
    "content-type": isHtml ? "text/html; charset=utf-8" : "text/plain; charset=utf-8",
    "content-length": String(body.length),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  });
  for (const [name, value] of fields) headers.append(name, value);
  return new Response(request.method === "HEAD" ? null : body, { status, headers });
}

/** Answers with a status and the reason for it where no page of its own is below. */
export function refused(
  request: ErrorRequest,
  status: number,
  reason: string,
  fields: readonly Field[] = [],
): Response {
  return errorResponse(request, status, STATUS_TEXT[status] ?? "Error", sentence(reason), fields);
}

export function unknownTunnel(request: ErrorRequest, hostname: string): Response {
  return errorResponse(
    request,
    404,
    "No such tunnel",
    `There is no tunnel at ${hostname}. The address may be mistyped, or its client has not connected yet.`,
  );
}

export function clientAway(request: ErrorRequest, hostname: string): Response {
  return errorResponse(
    request,
    502,
    "The tunnel's client is away",
    `The client of ${hostname} is not connected at the moment. It comes back under the same address.`,
    [["retry-after", "1"]],
  );
}

/** Tells that the local service could not be reached or broke off, with the code that the client gave. */
export function originFailed(request: ErrorRequest, code: string, reason: string): Response {
  return errorResponse(
    request,
    502,
    "The local service did not answer",
    `The tunnel is up, but the service behind it failed: ${sentence(reason)} (${code})`,
  );
}

export function headTimeout(request: ErrorRequest, seconds: number): Response {
  return errorResponse(
    request,
    504,
    "The local service took too long",
    `The tunnel is up, but the service behind it did not begin to answer within ${seconds} seconds.`,
  );
}

/** Answers 405 with the methods that would be taken (RFC 9110 section 15.5.6). */
export function methodNotAllowed(request: ErrorRequest, allow: readonly string[]): Response {
  return refused(request, 405, `the method ${request.method} is not served here`, [
    ["allow", allow.join(", ")],
  ]);
}

/** Answers 503 with the whole seconds to wait, one at least. */
export function tooBusy(request: ErrorRequest, reason: string, retryAfter: number): Response {
  return refused(request, 503, reason, [[
    "retry-after",
    String(Math.max(1, Math.ceil(retryAfter))),
  ]]);
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
