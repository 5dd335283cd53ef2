import { Metrics } from "../metrics.ts";
import { ASK_PATH } from "./ask.ts";
import { methodNotAllowed, refused } from "./error_page.ts";
import type { ServerMetrics } from "./server_metrics.ts";

export interface OwnPagesOptions {
  readonly metrics: ServerMetrics;
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly server: string;
  readonly isReady: () => boolean;
  /** Tells whether the host that an asking URL names is served here. */
  readonly isServed: (askingUrl: string) => boolean;
}

/** Answers requests to the server's own host: what it is, whether it is well, what it counted. */
export class OwnPages {
  readonly #options: OwnPagesOptions;

  constructor(options: OwnPagesOptions) {
    this.#options = options;
  }

  respond(request: Request, path: string): Response {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return methodNotAllowed(request, ["GET", "HEAD"]);
    }
    switch (path) {
      case "/":
        return text(200, `${this.#options.server}: tunnels to local services\n`);
      case "/healthz":
        return text(200, "ok\n");
      case "/readyz":
        return this.#options.isReady() ? text(200, "ready\n") : text(503, "stopping\n");
      case ASK_PATH:
        return this.#options.isServed(request.url)
          ? text(200, "served here\n")
          : refused(request, 404, "no such host here");
      case "/metrics":
        return text(200, this.#options.metrics.render(), Metrics.contentType);
      default:
        return refused(request, 404, "there is no such page on this server");
    }
  }
}

function text(status: number, body: string, type = "text/plain; charset=utf-8"): Response {
  return new Response(new TextEncoder().encode(body), {
    status,
    headers: { "content-type": type, "cache-control": "no-store" },
  });
}
