import type { AdminGuard } from "../access/admin_guard.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { refusalAnswer } from "../proxy/error_page.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import { Metrics } from "./metrics.ts";
import type { ServerMetrics } from "./server_metrics.ts";
import type { TunnelList } from "./tunnel_list.ts";

/** By which port an operator's page is asked for: the one that visitors come by, or one for operators on this machine. */
export type Entrance = "public" | "operators";

export interface OperatorPagesOptions {
  readonly metrics: ServerMetrics;
  readonly tunnels: TunnelList;
  /** Knows the operator; null for a server that has no way to. */
  readonly guard: AdminGuard | null;
  /** Whether the world can reach the server, which may then read what it counts with a token alone. */
  readonly isPublic: boolean;
}

/** Shows an operator what a server counts and whom it carries. */
export class OperatorPages {
  readonly #options: OperatorPagesOptions;

  constructor(options: OperatorPagesOptions) {
    this.#options = options;
  }

  /** Answers a visit to a path, without its query; null where there is no such page. */
  respond(visit: Visit, path: string, entrance: Entrance): Answer | Promise<Answer> | null {
    const { guard, isPublic } = this.#options;
    if (path === "/metrics") {
      if (entrance === "operators" || !isPublic) return this.#metrics();
      return guard === null ? refusalAnswer(visit, FOR_OPERATORS) : this.#guarded(visit, path);
    }
    if (path !== "/tunnels") return null;
    if (entrance === "operators") return this.#tunnels(visit);
    // Without a token nobody learns that there could be such a page.
    return guard === null ? null : this.#guarded(visit, path);
  }

  async #guarded(visit: Visit, path: "/metrics" | "/tunnels"): Promise<Answer> {
    const refusal = await this.#options.guard?.refusal(visit) ?? null;
    if (refusal !== null) return refusalAnswer(visit, refusal);
    return path === "/metrics" ? this.#metrics() : this.#tunnels(visit);
  }

  #metrics(): Answer {
    return whole(200, this.#options.metrics.render(), Metrics.contentType);
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

const FOR_OPERATORS: VisitRefusal = {
  code: "auth",
  status: 403,
  reason:
    "this page is for the server's operator, who starts it with --admin-token or --admin-port",
};

/** Answers with a short text that no cache keeps. */
export function whole(status: number, text: string, type = "text/plain; charset=utf-8"): Answer {
  return {
    status,
    fields: [["content-type", type], ["cache-control", "no-store"]],
    body: new TextEncoder().encode(text),
  };
}
