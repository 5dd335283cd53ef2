import type { Log } from "../../cli/log.ts";
import { type Field, fieldValue, isFromOtherSite } from "../../http/fields.ts";
import { parseAuthority } from "../../net/authority.ts";
import type { AdminGuard } from "../access/admin_guard.ts";
import type { AdminSessions, CookiePlace } from "../access/admin_sessions.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { methodNotAllowed, refusalAnswer } from "../proxy/error_page.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import built from "./built_page.json" with { type: "json" };
import { answered, CallError, textOf, whole } from "./json_call.ts";

/** How an operator's page is asked for. */
export type Entrance =
  /** By a name of the server's own, under which the pages of tunnels may be found as well. */
  | "public"
  /** By the name that is for operators alone. */
  | "admin"
  /** By the port for operators on this machine. */
  | "operators";

export interface AdminPageOptions {
  readonly guard: AdminGuard;
  readonly sessions: AdminSessions;
  /** The origin that has the operator's pages and nothing else; null where there is no name for it. */
  readonly origin: string | null;
  readonly log: Log;
}

/**
 * Shows the operator's page to a browser, and logs it in.
 *
 * Under the server's own name tunnels can be asked for by path, and their pages would have the rights of a login there.
 * So its cookie counts under a name of its own, and at the port for operators. Pages of tunnels under their own names
 * are of the same site: SameSite does not keep their calls away, and the origin is looked at.
 */
export class AdminPage {
  readonly #options: AdminPageOptions;

  constructor(options: AdminPageOptions) {
    this.#options = options;
  }

  /** Whether a request comes from the page of an operator who is logged in. */
  isOperator(visit: Visit, entrance: Entrance): boolean {
    const place = this.#placeOf(visit, entrance);
    return place !== null && isFromPage(visit, place.origin) &&
      this.#options.sessions.isOpen(visit.fields, place);
  }

  /** Answers a visit to a path; null where the page has nothing there. */
  respond(visit: Visit, path: string, entrance: Entrance): Answer | Promise<Answer> | null {
    const place = this.#placeOf(visit, entrance);
    if (path === LOGIN) return place === null ? null : this.#login(visit, place);
    if (path === LOGOUT) return place === null ? null : this.#logout(visit, place);
    const file = FILES.get(path);
    const isFront = path === "/" && entrance === "admin";
    if (file === undefined && !isFront) return null;
    if (visit.method !== "GET" && visit.method !== "HEAD") {
      return methodNotAllowed(visit, ["GET", "HEAD"]);
    }
    if (file !== undefined && place !== null) return pageAnswer(file);
    const { origin } = this.#options;
    return origin === null ? refusalAnswer(visit, ELSEWHERE) : redirect(`${origin}${PAGE}`);
  }

  #login(visit: Visit, place: Place): Answer | Promise<Answer> {
    return this.#act(visit, place, async (call, by) => {
      const token = new TextEncoder().encode(textOf(call, "token"));
      const refusal = await this.#options.guard.check(token, by);
      if (refusal !== null) throw new CallError(refusal.status === 429 ? 429 : 401, refusal.reason);
      this.#options.log.warn("operator: logged in", { by });
      return this.#options.sessions.begin(place);
    });
  }

  #logout(visit: Visit, place: Place): Answer | Promise<Answer> {
    const end = () => this.#options.sessions.end(visit.fields, place);
    return this.#act(visit, place, () => Promise.resolve(end()));
  }

  /** Answers a call of the page with a cookie. */
  async #act(
    visit: Visit,
    place: Place,
    act: (call: Readonly<Record<string, unknown>>, by: string) => Promise<Field>,
  ): Promise<Answer> {
    if (visit.method !== "POST") return methodNotAllowed(visit, ["POST"]);
    if (!isFromPage(visit, place.origin)) {
      visit.dropBody();
      return refusalAnswer(visit, OTHER_PAGE);
    }
    let cookie: Field | null = null;
    const answer = await answered(visit, async (call, by) => {
      cookie = await act(call, by);
      return {};
    });
    return cookie === null ? answer : { ...answer, fields: [...answer.fields, cookie] };
  }

  /** Returns where the page is that a visit comes from; null where cookies of operators do not count. */
  #placeOf(visit: Visit, entrance: Entrance): Place | null {
    const origin = entrance === "operators" ? `http://${visit.host ?? ""}` : this.#options.origin;
    if (entrance === "public" || origin === null) return null;
    const { protocol, host } = new URL(origin);
    const port = parseAuthority(host)?.port ?? "";
    return { origin, port: `${port}`, isSecure: protocol === "https:" };
  }
}

/** Returns the name of the operator's pages, which no tunnel can have; null where there are none. */
export function adminNameOf(
  { adminToken, fixed, domain }: {
    readonly adminToken: string | null;
    readonly fixed: boolean;
    readonly domain: string;
  },
  /** The server's own. */
  url: string,
): string | null {
  const name = `admin.${domain}`;
  return adminToken === null || fixed || new URL(url).hostname === name ? null : name;
}

interface Place extends CookiePlace {
  readonly origin: string;
}

const PAGE = "/admin";
const LOGIN = "/admin/login";
const LOGOUT = "/admin/logout";

interface PageFile {
  readonly type: string;
  readonly text: string;
}

const FILES: ReadonlyMap<string, PageFile> = new Map(Object.entries(built));

/** Nothing runs, or is loaded or asked for, but what the server itself has; no other page may show it in a frame. */
const FILE_FIELDS: readonly Field[] = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
];

function pageAnswer({ type, text }: PageFile): Answer {
  const answer = whole(200, text, type);
  return { ...answer, fields: [...answer.fields, ...FILE_FIELDS] };
}

function redirect(location: string): Answer {
  const fields: readonly Field[] = [["location", location], ["content-length", "0"]];
  return { status: 302, fields: [...fields, ["cache-control", "no-store"]], body: null };
}

/** A browser says with each call from which page it comes; a page cannot change that (Fetch, section 2.2.2). */
function isFromPage({ method, fields }: Visit, origin: string): boolean {
  if (isFromOtherSite(fieldValue(fields, "sec-fetch-site"))) return false;
  const given = fieldValue(fields, "origin");
  const isRead = method === "GET" || method === "HEAD";
  return given === origin || (isRead && given === undefined);
}

const OTHER_PAGE: VisitRefusal = {
  code: "auth",
  status: 403,
  reason: "only the operator's own page may ask for that",
};

const ELSEWHERE: VisitRefusal = {
  code: "page",
  status: 404,
  reason: "the operator's page of this server is at its --admin-port",
};
