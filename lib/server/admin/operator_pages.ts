import type { Log } from "../../cli/log.ts";
import { queryOf } from "../../http/target.ts";
import { AdminGuard } from "../access/admin_guard.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { methodNotAllowed, refusalAnswer } from "../proxy/error_page.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import { AdminSessions } from "../access/admin_sessions.ts";
import { AdminPage, type Entrance } from "./admin_page.ts";
import { AdminCalls } from "./admin_calls.ts";
import type { AllNodes } from "./all_nodes.ts";
import { whole } from "./json_call.ts";
import { Metrics } from "./metrics.ts";
import type { ServerMetrics } from "./server_metrics.ts";

export interface OperatorPagesOptions {
  readonly metrics: ServerMetrics;
  readonly nodes: AllNodes;
  /** The secret of the operator; null for a server that knows none. */
  readonly token: string | null;
  /** The origin that has the operator's pages and nothing else; null where there is no name for it. */
  readonly origin: string | null;
  /** Whether the world can reach the server, which may then read what it counts with a token alone. */
  readonly isPublic: boolean;
  readonly log: Log;
}

/** Shows something to an operator, or does what one asks for. */
type Page = (visit: Visit) => Answer | Promise<Answer>;

/** Shows an operator what a server counts and whom it carries, and does what the operator asks for. */
export class OperatorPages {
  readonly #metrics: ServerMetrics;
  readonly #isPublic: boolean;
  readonly #nodes: AllNodes;
  readonly #calls: AdminCalls;
  /** Knows the operator; null for a server that has no way to. */
  readonly #guard: AdminGuard | null;
  /** null for a server that has no guard. */
  readonly #page: AdminPage | null;

  constructor({ metrics, nodes, token, origin, isPublic, log }: OperatorPagesOptions) {
    this.#metrics = metrics;
    this.#isPublic = isPublic;
    this.#nodes = nodes;
    this.#calls = new AdminCalls(nodes);
    this.#guard = token === null ? null : new AdminGuard(token);
    this.#page = token === null || this.#guard === null
      ? null
      : new AdminPage({ guard: this.#guard, sessions: new AdminSessions(token), origin, log });
    if (origin !== null) log.info("operators have a page", { url: `${origin}/admin` });
  }

  /** Answers a visit to a path, without its query; null where there is no such page. */
  respond(visit: Visit, path: string, entrance: Entrance): Answer | Promise<Answer> | null {
    const page = this.#pageAt(path);
    if (page === null) return this.#page?.respond(visit, path, entrance) ?? null;
    const isRead = path === "/metrics" || path === "/tunnels";
    if (isRead && entrance === "operators") return page(visit);
    if (path === "/metrics" && !this.#isPublic) return page(visit);
    if (this.#page?.isOperator(visit, entrance)) return page(visit);
    if (this.#guard !== null) return guarded(visit, this.#guard, page);
    // Without a token nobody learns that there could be the other pages.
    return path === "/metrics" ? refusalAnswer(visit, FOR_OPERATORS) : null;
  }

  #pageAt(path: string): Page | null {
    switch (path) {
      case "/metrics":
        return reading(() => whole(200, this.#metrics.render(), Metrics.contentType));
      case "/tunnels":
        return reading((visit) => this.#list(visit));
      default:
        return this.#calls.at(path);
    }
  }

  async #list(visit: Visit): Promise<Answer> {
    const asked = new URLSearchParams(queryOf(visit.target));
    try {
      const page = await this.#nodes.list(asked);
      return whole(200, `${JSON.stringify(page)}\n`, "application/json");
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return refusalAnswer(visit, { code: "page", status: 400, reason: error.message });
    }
  }
}

async function guarded(visit: Visit, guard: AdminGuard, page: Page): Promise<Answer> {
  const refusal = await guard.refusal(visit);
  if (refusal === null) return await page(visit);
  visit.dropBody();
  return refusalAnswer(visit, refusal);
}

/** Makes a page that is read, and nothing else. */
function reading(page: Page): Page {
  return (visit) =>
    visit.method === "GET" || visit.method === "HEAD"
      ? page(visit)
      : methodNotAllowed(visit, ["GET", "HEAD"]);
}

const FOR_OPERATORS: VisitRefusal = {
  code: "auth",
  status: 403,
  reason:
    "this page is for the server's operator, who starts it with --admin-token or --admin-port",
};
