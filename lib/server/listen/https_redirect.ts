import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { parseAuthority } from "../../net/authority.ts";
import { errorAnswer, refusalAnswer } from "../proxy/error_page.ts";
import type { Answer, Visit, VisitHandler } from "./visit.ts";

/** Returns what an authority finds at a target; null for nothing. */
export type ProofFinder = (target: string) => string | null | Promise<string | null>;

export interface HTTPSRedirectOptions {
  /** The server's own URL, whose port visitors are sent to. */
  readonly url: string;
  /** The name that all hosts here are under; null for a server that takes any. */
  readonly domain: string | null;
  readonly proofAt: ProofFinder;
  readonly log: Log;
}

/** Sends visitors who came without TLS to the same place with it. */
export class HTTPSRedirect implements VisitHandler {
  readonly #options: HTTPSRedirectOptions;
  readonly #port: string;

  constructor(options: HTTPSRedirectOptions) {
    this.#options = options;
    const { port } = new URL(options.url);
    this.#port = port === "" ? "" : `:${port}`;
  }

  handle(visit: Visit): Answer | Promise<Answer> {
    visit.dropBody();
    const proof = this.#options.proofAt(visit.target);
    return proof instanceof Promise
      ? proof.then((found) => this.#answer(visit, found))
      : this.#answer(visit, proof);
  }

  #answer(visit: Visit, proof: string | null): Answer {
    if (proof !== null) return proofAnswer(proof);
    const name = parseAuthority(visit.host ?? visit.authority)?.name;
    if (name === undefined || !this.#isOurs(name)) {
      return refusalAnswer(visit, { code: "page", status: 404, reason: "no such host here" });
    }
    // `*` is for the server as a whole (RFC 9112 section 3.2.4).
    const target = visit.target.startsWith("/") ? visit.target : "/";
    return {
      // Unlike 301, it keeps a POST a POST.
      status: 308,
      fields: [["location", `https://${name}${this.#port}${target}`], ["content-length", "0"]],
      body: null,
    };
  }

  failed(visit: Visit, error: unknown): Answer {
    this.#options.log.error("a request failed inside the server", { reason: messageOf(error) });
    return errorAnswer(visit, {
      code: "internal",
      status: 500,
      title: "Internal error",
      text: "This server failed to handle the request.",
    });
  }

  #isOurs(name: string): boolean {
    const { domain } = this.#options;
    return domain === null || name === domain || name.endsWith(`.${domain}`);
  }
}

function proofAnswer(proof: string): Answer {
  return {
    status: 200,
    fields: [["content-type", "application/octet-stream"], ["cache-control", "no-store"]],
    body: new TextEncoder().encode(proof),
  };
}
