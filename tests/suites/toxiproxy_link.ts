import { freePort } from "../testing/free_port.ts";
import { within } from "../testing/within.ts";

/** A fault of the link, as Toxiproxy's API takes it; `upstream` is what the client sends. */
export interface Toxic {
  readonly type: string;
  readonly stream: "upstream" | "downstream";
  readonly attributes: Readonly<Record<string, number>>;
}

/** A link from a port's other loopback address to the port, kept and broken by Toxiproxy. */
export class Toxiproxy implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #api: string;

  private constructor(
    child: Deno.ChildProcess,
    api: string,
    /** What a client is told in the place of the server's URL. */
    readonly url: string,
  ) {
    this.#child = child;
    this.#api = api;
  }

  static async start(file: string, targetPort: number): Promise<Toxiproxy> {
    const apiPort = freePort();
    const child = new Deno.Command(file, {
      args: ["-host", "127.0.0.1", "-port", `${apiPort}`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await using started = new AsyncDisposableStack();
    const link = started.use(
      new Toxiproxy(child, `http://127.0.0.1:${apiPort}`, `http://[::1]:${targetPort}`),
    );
    await within(link.#isUp(), "Toxiproxy's API");
    await link.#call("POST", "/proxies", {
      name: NAME,
      listen: `[::1]:${targetPort}`,
      upstream: `127.0.0.1:${targetPort}`,
      enabled: true,
    });
    started.move();
    return link;
  }

  async version(): Promise<string> {
    return `Toxiproxy ${(await this.#call("GET", "/version")).trim()}`;
  }

  async add({ type, stream, attributes }: Toxic): Promise<void> {
    const toxic = { name: `${type}_${stream}`, type, stream, toxicity: 1, attributes };
    await this.#call("POST", `${PROXY}/toxics`, toxic);
  }

  /** Takes the link down, connections and listener, or up again. */
  async enable(enabled: boolean): Promise<void> {
    await this.#call("POST", PROXY, { enabled });
  }

  /** Heals the link. */
  async clear(): Promise<void> {
    await this.#call("POST", "/reset");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }

  async #isUp(): Promise<void> {
    while (!await this.version().then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<string> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(this.#api + path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`Toxiproxy answers ${path} with ${response.status}: ${text}`);
    return text;
  }
}

const NAME = "link";
const PROXY = `/proxies/${NAME}`;
