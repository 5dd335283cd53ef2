import { Lines } from "../../testing/lines.ts";
import { within } from "../../testing/within.ts";
import { processTree } from "./process_usage.ts";

/** One side of a peer, which ends with its scope together with the processes that it started. */
export class PeerProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Lines;
  readonly #stderr: Lines;

  private constructor(name: string, child: Deno.ChildProcess) {
    this.#name = name;
    this.#child = child;
    this.#stdout = new Lines(child.stdout);
    this.#stderr = new Lines(child.stderr);
  }

  /** Starts a program with this environment but for what would configure the tunnel. */
  static start(program: string, args: readonly string[]): PeerProcess {
    const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
      !name.startsWith("TUNNEL_") && name !== "PORT"
    );
    const child = new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env: { ...Object.fromEntries(kept), NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new PeerProcess(`${program} ${args.join(" ")}`, child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits for a line on either output and returns the first group. @throws {Error} when none comes. */
  async find(pattern: RegExp): Promise<string> {
    const found = Promise.any([this.#stdout, this.#stderr].map(async (lines) => {
      const line = await lines.find(pattern);
      if (line === null) throw new Error("this output ended without it");
      return line;
    })).catch(() => null);
    const line = await within(found, `${pattern} from ${this.#name}`);
    if (line?.[1] === undefined) throw new Error(`${this.#name} ended: ${this.#stderr}`);
    return line[1];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of await processTree(this.pid)) kill(pid);
    await within(this.#child.status, `the end of ${this.#name}`);
    await Promise.all([this.#stdout.ended, this.#stderr.ended]);
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}
