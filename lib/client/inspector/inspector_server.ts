import { authorityOf } from "../../net/authority.ts";
import type { AnswerRequest, HTTPServer } from "../../net/network.ts";
import { systemCode, systemReason } from "../../net/system_reason.ts";
import { SYSTEM_NETWORK } from "../../net/system_network.ts";
import type { TroubleHearer } from "../services/service.ts";
import { APIError } from "./api_error.ts";
import type { InspectorAPI } from "./inspector_api.ts";
import { PAGE_FILES } from "./page_files.ts";
import { type InspectorPlace, VisitGuard } from "./visit_guard.ts";

/** Ports that are tried, from the wanted one on: some clients on one machine. */
const PORTS = 10;

/** Milliseconds until it listens again after it had to end. */
const RETRY = 1000;

/** Bytes of a login form: a token. */
const MAX_FORM = 8 * 1024;

/** Why the inspector cannot listen; the message is a sentence for the owner. */
export class InspectorError extends Error {
  override readonly name = "InspectorError";
}

export interface InspectorServerOptions {
  readonly place: InspectorPlace;
  /** What is asked of everybody; null for nothing. */
  readonly token: string | null;
  readonly api: InspectorAPI;
  readonly onTrouble: TroubleHearer;
}

/** Serves the inspector's page and its interface. */
export class InspectorServer {
  #server: HTTPServer | null = null;
  readonly #guard: VisitGuard;
  readonly #api: InspectorAPI;
  readonly #onTrouble: TroubleHearer;
  /** Where it listens; of the port 0 only from then on. */
  readonly #place: { readonly host: string; port: number };
  #isClosed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  private constructor({ place, token, api, onTrouble }: InspectorServerOptions) {
    this.#api = api;
    this.#onTrouble = onTrouble;
    this.#place = { ...place };
    this.#guard = new VisitGuard(this.#place, token);
  }

  /**
   * Listens at the wanted port, or the next one that is free.
   *
   * @throws {InspectorError} when none of ten is.
   */
  static async start(options: InspectorServerOptions): Promise<InspectorServer> {
    const server = new InspectorServer(options);
    await server.#listen(PORTS);
    return server;
  }

  /** Where it is opened on this machine. */
  get url(): string {
    const { host, port } = this.#place;
    return `http://${authorityOf({ host: ANY.has(host) ? "localhost" : host, port })}`;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#api.close();
    await this.#server?.shutdown();
  }

  /** Listens at one of so many ports, and goes on when no file descriptor was left, after which `Deno.serve` has ended. */
  async #listen(ports: number): Promise<void> {
    const server = await listen(this.#place, ports, (request) => this.#answer(request));
    this.#server = server;
    this.#place.port = server.port;
    server.ended.catch(() => this.#listenAgain());
    if (this.#isClosed) await server.shutdown();
  }

  #listenAgain(): void {
    if (this.#isClosed) return;
    this.#retry = setTimeout(async () => {
      try {
        await this.#listen(1);
      } catch (error) {
        if (!(error instanceof InspectorError)) throw error;
        this.#listenAgain();
      }
    }, RETRY);
  }

  async #answer(request: Request): Promise<Response> {
    const response = await this.#respond(request);
    for (const [name, value] of SAFE) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    return response;
  }

  async #respond(request: Request): Promise<Response> {
    let path = "";
    try {
      this.#guard.check(request);
      // A URL can be made of it now that its Host is known to be one.
      const url = new URL(request.url);
      path = url.pathname;
      if (path === "/login") return await this.#login(request);
      this.#guard.authorize(request);
      if (path.startsWith("/api/")) {
        checkType(request);
        return await this.#api.answer(request, url);
      }
      return pageAnswer(request, path);
    } catch (error) {
      if (!(error instanceof APIError)) return this.#failed(error);
      return error.code === "unauthorized" && path === "/" ? loginAnswer(error) : error.answer;
    }
  }

  /** Answers for a mistake of this program. */
  #failed(error: unknown): Response {
    const mistake = error instanceof Error ? error : new Error(String(error));
    this.#onTrouble("the inspector failed because of a mistake in it: please report it", mistake);
    return new Response("The inspector has failed; the client's terminal says more.\n", {
      status: 500,
    });
  }

  async #login(request: Request): Promise<Response> {
    if (request.method !== "POST" || request.headers.get("origin") === null) {
      throw new APIError("method_not_allowed", "The form at / asks for the token.");
    }
    if (Number(request.headers.get("content-length") ?? Infinity) > MAX_FORM) {
      throw new APIError("too_large", "This is longer than any token.");
    }
    const token = new URLSearchParams(await request.text()).get("token") ?? "";
    const cookie = this.#guard.login(token);
    return new Response(null, { status: 303, headers: { location: "/", "set-cookie": cookie } });
  }
}

/** Addresses that stand for all of a machine, which cannot be opened. */
const ANY: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** Fields of every answer that has none of its own: nothing but the page's own files runs, loads or frames. */
const SAFE: readonly (readonly [string, string])[] = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; " +
    "frame-ancestors 'none'",
  ],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  // A form would come from nowhere with `no-referrer`, and its origin is asked for.
  ["referrer-policy", "same-origin"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
];

async function listen(
  { host, port }: InspectorPlace,
  ports: number,
  answer: AnswerRequest,
): Promise<HTTPServer> {
  const last = port === 0 ? 0 : Math.min(port + ports - 1, 65_535);
  for (let tried = port; tried <= last; tried++) {
    try {
      return await SYSTEM_NETWORK.serve({ hostname: host, port: tried }, answer);
    } catch (cause) {
      if (systemCode(cause) === "EADDRINUSE") continue;
      const place = authorityOf({ host, port });
      throw new InspectorError(`cannot listen at ${place}: ${systemReason(cause)}`, { cause });
    }
  }
  throw new InspectorError(`the ports ${port} to ${last} of ${host} are all taken`);
}

/** Changes come as JSON, which no page of another site can send without being asked first. */
function checkType({ method, headers }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  const [type = ""] = (headers.get("content-type") ?? "").split(";", 1);
  if (type.trim().toLowerCase() === "application/json") return;
  throw new APIError("unsupported", `${method} needs Content-Type: application/json.`);
}

function pageAnswer({ method }: Request, path: string): Response {
  const file = PAGE_FILES.get(path);
  if (file === undefined) throw new APIError("not_found", `There is nothing at ${path}.`);
  if (method !== "GET" && method !== "HEAD") {
    throw new APIError("method_not_allowed", "A page can only be read.", { allow: "GET, HEAD" });
  }
  return new Response(file.text, { headers: { "content-type": file.type } });
}

/** Asks a person for the token. */
function loginAnswer({ message }: APIError): Response {
  const text = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>tunnel inspector</title>
<form method="post" action="/login">
<p><label for="token">${message}</label></p>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button>
</form>
</html>
`;
  return new Response(text, {
    status: 401,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}
