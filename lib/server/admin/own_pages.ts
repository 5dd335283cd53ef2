import { ASK_PATH } from "./ask.ts";
import { methodNotAllowed, refusalAnswer } from "../proxy/error_page.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { type HTMLPage, htmlPage, PAGE_FIELDS, prefersHTML, textPage } from "../proxy/html_page.ts";
import { whole } from "./json_call.ts";
import type { Entrance } from "./admin_page.ts";
import type { OperatorPages } from "./operator_pages.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";

export interface OwnPagesOptions {
  /** Name and version, as in `tunnel/0.1.0`. */
  readonly server: string;
  /** Where clients connect, as a URL. */
  readonly clientUrl: string;
  /** Whether clients need a token. */
  readonly needsToken: boolean;
  readonly isReady: () => boolean;
  /** Tells whether the host that an asking target names is served here. */
  readonly isServed: (target: string) => boolean | Promise<boolean>;
  /** Whether what the nodes share can be reached; true for a server that is alone. */
  readonly isBusUp: () => boolean;
  readonly operators: OperatorPages;
}

/** Answers requests to the server's own host: what it is, whether it is well, what it counted, whom it carries. */
export class OwnPages {
  readonly #options: OwnPagesOptions;

  constructor(options: OwnPagesOptions) {
    this.#options = options;
  }

  /** Answers a visit to a path, without its query. */
  respond(visit: Visit, path: string, entrance: Entrance = "public"): Answer | Promise<Answer> {
    const { operators } = this.#options;
    if (path.startsWith("/admin") || entrance === "admin") {
      return operators.respond(visit, path, entrance) ?? refusalAnswer(visit, NO_SUCH_PAGE);
    }
    if (visit.method !== "GET" && visit.method !== "HEAD") {
      return methodNotAllowed(visit, ["GET", "HEAD"]);
    }
    switch (path) {
      case "/":
        return this.#front(visit);
      case "/healthz":
        return whole(200, "ok\n");
      case "/readyz":
        return this.#readiness();
      case ASK_PATH:
        return this.#asked(visit);
      default:
        return operators.respond(visit, path, entrance) ??
          refusalAnswer(visit, NO_SUCH_PAGE);
    }
  }

  /** Says what this is and how to get a tunnel here, and nothing about those who have one. */
  #front({ fields }: Visit): Answer {
    const { server, clientUrl, needsToken } = this.#options;
    const commands = needsToken
      ? [`tunnel-client login ${clientUrl}`, "tunnel-client 3000"]
      : [`export TUNNEL_SERVER=${clientUrl}`, "tunnel-client 3000"];
    const page: HTMLPage = {
      title: "Tunnels to local services",
      parts: [
        {
          text:
            "This server gives what runs on your machine a public address, without an open port.",
        },
        { text: "To publish what listens on port 3000 of your machine:" },
        { code: commands.join("\n") },
        ...(needsToken
          ? [{ aside: "The first asks for a token, which comes from this server's operator." }]
          : []),
        { aside: "In a checkout of the project, deno run -A client.ts is the same program." },
      ],
      footer: server,
    };
    if (!prefersHTML(fields)) return whole(200, textPage(page));
    const body = new TextEncoder().encode(htmlPage(page));
    return {
      status: 200,
      fields: [["content-type", "text/html; charset=utf-8"], ...PAGE_FIELDS],
      body,
    };
  }

  /** A node without the bus serves its own tunnels, so it is ready all the same. */
  #readiness(): Answer {
    const { isReady, isBusUp } = this.#options;
    if (!isReady()) return whole(503, "stopping\n");
    return whole(200, isBusUp() ? "ready\n" : "ready\nbus: away\n");
  }

  async #asked(visit: Visit): Promise<Answer> {
    return await this.#options.isServed(visit.target)
      ? whole(200, "served here\n")
      : refusalAnswer(visit, { code: "page", status: 404, reason: "no such host here" });
  }
}

/** Says that a path of the server's own host leads nowhere. */
export const NO_SUCH_PAGE: VisitRefusal = {
  code: "page",
  status: 404,
  reason: "this is the tunnel server itself, and it has nothing at this path",
};
