import { Metrics } from "./metrics.ts";
import type { AdminGuard } from "../access/admin_guard.ts";
import { ASK_PATH } from "./ask.ts";
import { methodNotAllowed, refused } from "../proxy/error_page.ts";
import { FieldList } from "../proxy/field_list.ts";
import type { ServerMetrics } from "./server_metrics.ts";
import type { TunnelList } from "./tunnel_list.ts";

export interface OwnPagesOptions {
  readonly metrics: ServerMetrics;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly server: string;
  readonly isReady: () => boolean;
  /** Tells whether the host that an asking URL names is served here. */
  readonly isServed: (askingUrl: string) => boolean | Promise<boolean>;
  /** Whether what the nodes share can be reached; true for a server that is alone. */
  readonly isBusUp: () => boolean;
  /** null for a server that shows them to nobody. */
  readonly admin: AdminPages | null;
}

/** What an operator may see, and who that is. */
export interface AdminPages {
  readonly guard: AdminGuard;
  readonly tunnels: TunnelList;
}

/** Answers requests to the server's own host: what it is, whether it is well, what it counted, whom it carries. */
export class OwnPages {
  readonly #options: OwnPagesOptions;

  constructor(options: OwnPagesOptions) {
    this.#options = options;
  }

  /** Answers a request for a path, without its query, that came from `address`. */
  respond(request: Request, path: string, address: string): Response | Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return methodNotAllowed(request, ["GET", "HEAD"]);
    }
    switch (path) {
      case "/":
        return text(200, `${this.#options.server}: tunnels to local services\n`);
      case "/healthz":
        return text(200, "ok\n");
      case "/readyz":
        return this.#readiness();
      case ASK_PATH:
        return this.#asked(request);
      case "/metrics":
        return text(200, this.#options.metrics.render(), Metrics.contentType);
      case "/tunnels":
        // Without a token nobody learns that there could be such a page.
        return this.#options.admin === null
          ? notFound(request)
          : this.#tunnels(request, address, this.#options.admin);
      default:
        return notFound(request);
    }
  }

  /** A node without the bus serves its own tunnels, so it is ready all the same. */
  #readiness(): Response {
    const { isReady, isBusUp } = this.#options;
    if (!isReady()) return text(503, "stopping\n");
    return text(200, isBusUp() ? "ready\n" : "ready\nbus: away\n");
  }

  async #asked(request: Request): Promise<Response> {
    return await this.#options.isServed(request.url)
      ? text(200, "served here\n")
      : refused(request, 404, "no such host here");
  }

  async #tunnels(request: Request, address: string, admin: AdminPages): Promise<Response> {
    const { list: fields } = new FieldList(request.headers);
    const refusal = await admin.guard.refusal({ address, fields });
    if (refusal !== null) {
      return refused(request, refusal.status, refusal.reason, refusal.fields);
    }
    const query = request.url.indexOf("?");
    const asked = new URLSearchParams(query === -1 ? "" : request.url.slice(query));
    try {
      return text(200, `${JSON.stringify(admin.tunnels.page(asked))}\n`, "application/json");
    } catch (error) {
      if (error instanceof RangeError) return refused(request, 400, error.message);
      throw error;
    }
  }
}

function notFound(request: Request): Response {
  return refused(request, 404, "there is no such page on this server");
}

function text(status: number, body: string, type = "text/plain; charset=utf-8"): Response {
  return new Response(new TextEncoder().encode(body), {
    status,
    headers: { "content-type": type, "cache-control": "no-store" },
  });
}
