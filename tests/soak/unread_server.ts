import { Lines } from "../testing/lines.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { within } from "../testing/within.ts";

/** Where the log goes and does not arrive. */
export type LogPlace = "full pipe" | "full disk";

/** A server that logs a line for each failed request, to where nothing can be written. */
export class UnreadServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Lines;
  readonly #folder: TempDir;
  #port = 0;

  private constructor(child: Deno.ChildProcess, folder: TempDir) {
    this.#child = child;
    this.#stdout = new Lines(child.stdout);
    this.#folder = folder;
  }

  static async start(place: LogPlace): Promise<UnreadServer> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(await TempDir.make());
    const pipe = `${folder.path}/log`;
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    // Open for reading as well, a pipe has a reader, which never reads.
    const redirect = place === "full pipe" ? `2<>"${pipe}"` : "2>/dev/full";
    const run = [Deno.execPath(), "run", "--allow-all", "server.ts"];
    const flags = ["--hostname", "127.0.0.1", "--port", "0", "--log-level", "debug"];
    const child = new Deno.Command("sh", {
      args: ["-c", `exec "$@" ${redirect}`, "sh", ...run, ...flags],
      cwd: new URL("../../", import.meta.url),
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const server = started.use(new UnreadServer(child, folder));
    started.move();
    try {
      const line = await within(server.#stdout.find(/:(\d+)$/), "the URL of the server");
      server.#port = Number(line?.[1]);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#stdout.ended;
    await this.#folder[Symbol.asyncDispose]();
  }
}
