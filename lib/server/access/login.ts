import { encodeBase64 } from "@std/encoding/base64";
import { type Field, fieldValue, isFromOtherSite } from "../../http/fields.ts";
import { isPreflight, type RequestHead } from "../../http/head.ts";
import { pathOf, queryOf } from "../../http/target.ts";
import { parseAuthority } from "../../net/authority.ts";
import { prefersHTML } from "../proxy/html_page.ts";
import type { Asking, VisitRefusal } from "../tunnels/upstream.ts";
import type { BasicAuth } from "./basic_auth.ts";
import type { LoginCookie } from "./login_cookie.ts";

/** Where a tunnel with a login takes it; its service has everything else. */
export const LOGIN_PATH = "/.tunnel/login";

/** Bytes of a login: a user, a password and a path, with each octet in three characters. */
const MAX_FORM = 8 * 1024;

/** Characters of the path that a visitor wanted to see: longer ones begin at the start. */
const MAX_WANTED = 2_000;

export interface LoginOptions {
  readonly auth: BasicAuth;
  readonly cookie: LoginCookie;
  /** Whether a host is the tunnel's own, so that its paths begin at the slash. */
  readonly isOwnHost: (host: string) => boolean;
}

/** Lets visitors in who have logged in on a page, or who present a password as programs do. */
export class Login {
  readonly #options: LoginOptions;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** Returns why a request is not let in, or null when it is; a promise where that takes time. */
  check(asking: Asking): VisitRefusal | null | Promise<VisitRefusal | null> {
    const { auth, cookie } = this.#options;
    const hasPage = this.#hasPage(asking);
    if (hasPage && pathOf(asking.target) === LOGIN_PATH) return this.#login(asking);
    if (cookie.isIn(asking.fields)) return null;
    // Browsers send them without any credentials, and without a body.
    if (isPreflight(asking)) return null;
    const refusal = auth.check(asking);
    if (!hasPage || !isForPage(asking)) return refusal;
    const shown = (refusal: VisitRefusal | null): VisitRefusal | null =>
      refusal?.status === 401 ? loginPage(asking.target, false) : refusal;
    return refusal instanceof Promise ? refusal.then(shown) : shown(refusal);
  }

  /** Returns the head that the service gets: without the cookie, and with what Authorization has for itself alone. */
  headFor({ method, target, fields }: RequestHead): RequestHead {
    const { auth, cookie } = this.#options;
    const own = cookie.without(fields);
    const isForService = cookie.isIn(fields) && !auth.isKnown(fields);
    const kept = isForService ? own : own.filter(([name]) => name !== "authorization");
    return { method, target, fields: kept };
  }

  /** By the path of another host, pages of several tunnels share their cookies. */
  #hasPage({ host }: Asking): boolean {
    const authority = host === null ? undefined : parseAuthority(host);
    return authority !== undefined && this.#options.isOwnHost(authority.name);
  }

  #login(asking: Asking): VisitRefusal | Promise<VisitRefusal> {
    const { method, target } = asking;
    if (method === "GET" || method === "HEAD") return loginPage(wantedIn(target), false);
    if (method !== "POST") return NOT_SO;
    if (isForeign(asking)) return FOREIGN;
    return this.#submitted(asking);
  }

  async #submitted(asking: Asking): Promise<VisitRefusal> {
    const form = await formOf(asking);
    if (form === null) return NO_FORM;
    const user = form.get("user") ?? "";
    const wanted = safePath(form.get("to") ?? "");
    const refusal = user.includes(":") ? loginPage(wanted, true) : await this.#options.auth.check({
      address: asking.address,
      fields: [["authorization", authorizationOf(user, form.get("password") ?? "")]],
    });
    if (refusal?.status === 401) return loginPage(wanted, true);
    return refusal ?? {
      code: "login",
      status: 303,
      reason: "you are logged in",
      fields: [["location", wanted], this.#options.cookie.issue(user)],
    };
  }
}

/** Asks for user and password on a page, which programs get as text. */
function loginPage(wanted: string, isWrong: boolean): VisitRefusal {
  return {
    code: "auth",
    status: 401,
    reason: isWrong
      ? "this user and this password do not go together"
      : "this tunnel asks for a user name and a password",
    // Of this scheme browsers know nothing, and ask nobody (RFC 9110 section 11.6.1 wants one).
    fields: [["www-authenticate", 'Form realm="tunnel"']],
    login: { action: LOGIN_PATH, wanted: safePath(wanted) },
  };
}

const NOT_SO: VisitRefusal = {
  code: "request",
  status: 405,
  reason: "a login is a GET or a POST",
  fields: [["allow", "GET, HEAD, POST"]],
};

const FOREIGN: VisitRefusal = {
  code: "request",
  status: 403,
  reason: "a login comes from this tunnel's own page",
};

const NO_FORM: VisitRefusal = {
  code: "request",
  status: 400,
  reason: "a login is a form with a user and a password",
};

/** Whether a request is for something that a person looks at. */
function isForPage({ method, fields }: Asking): boolean {
  return (method === "GET" || method === "HEAD") && prefersHTML(fields);
}

/** Whether the page of another site sends a form: it would log a visitor in as somebody else. */
function isForeign({ host, fields }: Asking): boolean {
  if (isFromOtherSite(fieldValue(fields, "sec-fetch-site"))) return true;
  const origin = fieldValue(fields, "origin");
  return origin !== undefined && URL.parse(origin)?.host !== host?.toLowerCase();
}

/** Reads a form; null for what is none, or a long one. */
async function formOf(asking: Asking): Promise<URLSearchParams | null> {
  const { fields } = asking;
  const type = fieldValue(fields, "content-type") ?? "";
  const length = Number(fieldValue(fields, "content-length") ?? NaN);
  if (!FORM.test(type) || !(length > 0 && length <= MAX_FORM)) return null;
  const reader = asking.readBody();
  let text = "";
  const decoder = new TextDecoder();
  for (let read = 0; read <= MAX_FORM;) {
    const { done, value } = await reader.read();
    if (done) return new URLSearchParams(text);
    read += value.length;
    text += decoder.decode(value, { stream: true });
  }
  return null;
}

const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

function authorizationOf(user: string, password: string): Field[1] {
  return `Basic ${encodeBase64(`${user}:${password}`)}`;
}

/** Returns the path that somebody wanted who opens the page itself. */
function wantedIn(target: string): string {
  return new URLSearchParams(queryOf(target)).get("to") ?? "";
}

/** Returns a path of this host, for what could lead to another one, or back to the login, its start. */
function safePath(path: string): string {
  const isOwn = path.length <= MAX_WANTED && OWN_PATH.test(path) && pathOf(path) !== LOGIN_PATH;
  return isOwn ? path : "/";
}

/** One slash, and then nothing that a browser takes for another one, or leaves out. */
const OWN_PATH = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/;
