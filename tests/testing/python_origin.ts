import { isInstalled } from "./front_proxy.ts";
import { Lines } from "./lines.ts";
import { within } from "./within.ts";

/** Whether there is a Python to run origins with; their tests are skipped otherwise. */
export const HAS_PYTHON = isInstalled("python3");

/** A server of Python's own, as owners write them: a script that leaves its server in `server`. */
export class PythonOrigin implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Lines;
  readonly #stdout: Lines;
  #port = 0;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stdout = new Lines(child.stdout);
    this.#stderr = new Lines(child.stderr);
  }

  /** Runs a script and serves what it makes, in a folder. @throws {Error} with what it said when it ends before that. */
  static async start(script: string, folder?: string): Promise<PythonOrigin> {
    const serving = "print('port', server.server_address[1], flush=True)\nserver.serve_forever()";
    const child = new Deno.Command("python3", {
      args: ["-c", `${script}\n${serving}`],
      ...(folder === undefined ? {} : { cwd: folder }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await using started = new AsyncDisposableStack();
    const origin = started.use(new PythonOrigin(child));
    const line = await within(origin.#stdout.find(/^port (\d+)$/), "python3 to listen");
    if (line === null) throw new Error(`python3 does not start: ${origin.#stderr}`);
    origin.#port = Number(line[1]);
    started.move();
    return origin;
  }

  get port(): number {
    return this.#port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await within(this.#child.status, "the end of python3");
    await Promise.all([this.#stdout.ended, this.#stderr.ended]);
  }
}
