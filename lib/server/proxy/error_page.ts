import { STATUS_TEXT } from "@std/http/status";
import type { Field } from "../../http/fields.ts";
import type { Answer, AnswerCode } from "../listen/visit.ts";
import { type LoginForm, RETRY_SOON, type VisitRefusal } from "../tunnels/upstream.ts";
import { htmlPage, PAGE_FIELDS, type PageForm, type PagePart, prefersHTML } from "./html_page.ts";

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
  /** What the visitor should know. */
  readonly text: string;
  /** What the owner of the tunnel may do. @default nothing */
  readonly owner?: string;
  /** Where a visitor may log in. @default nowhere */
  readonly login?: LoginForm;
  /** Beside the usual ones. @default none */
  readonly fields?: readonly Field[];
}

/** An answer that is here whole. */
export type WholeAnswer = Answer & { readonly body: Uint8Array<ArrayBuffer> | null };

/** Answers with a short page, or with plain text where HTML is not asked for. */
export function errorAnswer(
  request: ErrorRequest,
  page: ErrorPage,
): WholeAnswer {
  const { code, status, fields = [] } = page;
  const isHtml = prefersHTML(request.fields);
  const body = encoder.encode(isHtml ? asHTML(page) : asText(page));
  return {
    code,
    status,
    fields: [
      ["content-type", isHtml ? "text/html; charset=utf-8" : "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
      ...PAGE_FIELDS,
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
    title: TITLES.get(status) ?? "This request was refused",
    text: sentence(reason),
  });
}

/** What a visitor reads first, by the status: the names of RFC 9110 are for programs, and stand at the foot of the page. */
const TITLES: ReadonlyMap<number, string> = new Map([
  [303, "You are logged in"],
  [400, "This request cannot be carried"],
  [401, "This needs a password"],
  [403, "This is not open to you"],
  [404, "There is no such page here"],
  [405, "This cannot be done here"],
  [408, "The request came too slowly"],
  [413, "That is more than may be sent here"],
  [421, "This is the wrong place to ask"],
  [426, "A WebSocket is wanted here"],
  [429, "That was too much at once"],
  [431, "The address or the fields are too long"],
  [500, "Something went wrong here"],
  [501, "This request cannot be carried"],
  [503, "There is no room just now"],
]);

export function unknownTunnel(request: ErrorRequest, hostname: string): WholeAnswer {
  return errorAnswer(request, {
    code: "unknown",
    status: 404,
    title: "There is no tunnel here",
    text:
      `There is no tunnel at ${hostname}: the address may be mistyped, or it is not in use yet.`,
    owner: "If it is yours, start its client: the address works as soon as that is connected.",
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
    title: "This tunnel is not connected",
    text:
      `The client of ${hostname} is not connected. Should it connect again, the address stays the same.`,
    owner: "If it is yours, see whether its client runs, and what its terminal says.",
    fields: isAwaited ? [RETRY_SOON] : [],
  });
}

/** What is said of an origin that failed, for the visitor and for the owner. */
export interface OriginFailure {
  readonly code: "unreachable" | "malformed" | "cut" | "failed";
  readonly title: string;
  readonly text: string;
  readonly owner: string;
}

/** Tells that the local service could not be reached or broke off. */
export function originFailed(request: ErrorRequest, failure: OriginFailure): WholeAnswer {
  return errorAnswer(request, { ...failure, status: 502 });
}

/** Tells that no answer came in so many milliseconds; null where another node has waited. */
export function originTooSlow(request: ErrorRequest, timeout: number | null): WholeAnswer {
  const time = timeout === null ? "in time" : `within ${timeout / 1000} seconds`;
  return errorAnswer(request, {
    code: "timeout",
    status: 504,
    title: "The service behind this address took too long",
    text: `This address works, but nothing was answered ${time}.`,
    owner:
      "If it is yours: the service has the request, and may still be at it. --timeout sets the " +
      "time: the server's, and less by the client's.",
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

const encoder = new TextEncoder();

function asHTML({ status, title, text, owner, login }: ErrorPage): string {
  const time = new Date().toISOString().slice(0, 19).replace("T", " ");
  const parts: PagePart[] = owner === undefined ? [{ text }] : [{ text }, { aside: owner }];
  if (login !== undefined) parts.push({ form: loginForm(login) });
  const footer = `${status} ${STATUS_TEXT[status] ?? ""} · ${time} UTC`;
  return htmlPage({ title, parts, footer });
}

function loginForm({ action, wanted }: LoginForm): PageForm {
  return {
    action,
    inputs: [
      { name: "user", label: "User", type: "text", autocomplete: "username" },
      { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
    ],
    hidden: { to: wanted },
    submit: "Log in",
  };
}

/** The client of a tunnel shows what stands behind the empty line. */
function asText({ status, title, text, owner }: ErrorPage): string {
  return `${status} ${title}\n\n${text}\n${owner === undefined ? "" : `${owner}\n`}`;
}

/** Makes a reason, as the other parts word it, a sentence. */
function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${/[.!?]$/.test(reason) ? "" : "."}`;
}
