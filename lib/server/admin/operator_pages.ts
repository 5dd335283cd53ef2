import type { AdminGuard } from "../access/admin_guard.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { methodNotAllowed, refusalAnswer } from "../proxy/error_page.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import type { AdminCalls } from "./admin_calls.ts";
import { whole } from "./json_call.ts";
import { Metrics } from "./metrics.ts";
import type { ServerMetrics } from "./server_metrics.ts";
import type { TunnelList } from "./tunnel_list.ts";

/** By which port an operator's page is asked for: the one that visitors come by, or one for operators on this machine. */
export type Entrance = "public" | "operators";

export interface OperatorPagesOptions {
  readonly metrics: ServerMetrics;
  readonly tunnels: TunnelList;
  readonly calls: AdminCalls;
  /** Knows the operator; null for a server that has no way to. */
  readonly guard: AdminGuard | null;
  /** Whether the world can reach the server, which may then read what it counts with a token alone. */
  readonly isPublic: boolean;
}

/** Shows something to an operator, or does what one asks for. */
type Page = (visit: Visit) => Answer | Promise<Answer>;

/** Shows an operator what a server counts and whom it carries, and does what the operator asks for. */
export class OperatorPages {
  readonly #options: OperatorPagesOptions;

  constructor(options: OperatorPagesOptions) {
    this.#options = options;
  }

  /** Answers a visit to a path, without its query; null where there is no such page. */
  respond(visit: Visit, path: string, entrance: Entrance): Answer | Promise<Answer> | null {
    const { guard, isPublic } = this.#options;
    const page = this.#pageAt(path);
    if (page === null) return null;
    const isRead = path === "/metrics" || path === "/tunnels";
    if (isRead && entrance === "operators") return page(visit);
    if (path === "/metrics" && !isPublic) return page(visit);
    if (guard !== null) return guarded(visit, guard, page);
    // Without a token nobody learns that there could be the other pages.
    return path === "/metrics" ? refusalAnswer(visit, FOR_OPERATORS) : null;
  }

  #pageAt(path: string): Page | null {
    const { metrics, calls } = this.#options;
    switch (path) {
      case "/metrics":
        return reading(() => whole(200, metrics.render(), Metrics.contentType));
      case "/tunnels":
        return reading((visit) => this.#tunnels(visit));
      default:
        return calls.at(path);
    }
  }

  #tunnels(visit: Visit): Answer {
    const { target } = visit;
    const query = target.indexOf("?");
    const asked = new URLSearchParams(query === -1 ? "" : target.slice(query));
    try {
      const page = this.#options.tunnels.page(asked);
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
function reading(page: (visit: Visit) => Answer): Page {
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
