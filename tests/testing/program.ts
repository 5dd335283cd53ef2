import type { ListenerKind } from "../../lib/server/listen/listener.ts";
import { isInstalled } from "./front_proxy.ts";
import { Lines } from "./lines.ts";
import { within } from "./within.ts";

/** What the servers of the tests listen with where they do not say it: with `LISTENER=own` all tests are run over that one. */
export const LISTENER: ListenerKind = Deno.env.get("LISTENER") === "own" ? "own" : "serve";

export interface ProgramOptions {
  /** Set beside the test's own environment, from which everything that configures the programs is taken away. */
  readonly env?: Readonly<Record<string, string>>;
  /** A script that runs before the program, in the same process. */
  readonly preload?: URL;
  /** The flags that say what it may do. @default everything */
  readonly permissions?: readonly string[];
  /** Columns of a terminal that it runs in, where both outputs are one; none by default. */
  readonly columns?: number;
}

/** A program that ended instead of becoming ready. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";

  constructor(
    readonly script: string,
    /** The exit status. */
    readonly code: number,
    readonly stdout: string,
    readonly stderr: string,
  ) {
    super(`${script} ended with status ${code} before it was ready: ${stderr || stdout}`);
  }
}

/** Bytes of memory that a program holds. */
export interface Memory {
  readonly now: number;
  /** The most that it ever held. */
  readonly peak: number;
}

/** Runs `server.ts`, `client.ts` or an example as a user does: a process of its own, with its own home and key. */
export class Program implements AsyncDisposable {
  readonly stdout: Lines;
  readonly stderr: Lines;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #script: string;
  readonly #child: Deno.ChildProcess;
  readonly #home: string;
  #url: URL | undefined;
  #hasEnded = false;

  private constructor(script: string, child: Deno.ChildProcess, home: string) {
    this.#script = script;
    this.#child = child;
    this.#home = home;
    this.stdout = new Lines(child.stdout);
    this.stderr = new Lines(child.stderr);
    this.status = child.status.then((status) => {
      this.#hasEnded = true;
      return status;
    });
  }

  /**
   * Starts a program and waits for the line with its URL: the server listens then, the client is registered.
   *
   * @throws {ProgramError} when it ends before that.
   */
  static async start(
    script: "server.ts" | "client.ts" | `${".github/examples" | "tests/e2e"}/${string}.ts`,
    args: readonly string[],
    { env = {}, preload, columns, permissions = ["--allow-all"] }: ProgramOptions = {},
  ): Promise<Program> {
    const home = await makeHome();
    const preloading = preload === undefined ? [] : ["--preload", preload.href];
    const call = [Deno.execPath(), "run", ...permissions, ...preloading, script, ...args];
    const [command = "", ...words] = columns === undefined ? call : inTerminal(call, columns);
    const child = new Deno.Command(command, {
      args: words,
      cwd: ROOT,
      clearEnv: true,
      env: { ...await environment(home), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await using started = new AsyncDisposableStack();
    const program = started.use(new Program(script, child, home));
    await program.#becomeReady();
    started.move();
    return program;
  }

  /** What the program printed once it was ready: where the server listens, or the tunnel's public URL. */
  get url(): URL {
    if (this.#url === undefined) throw new Error(`${this.#script} is not ready`);
    return this.#url;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a signal and goes on. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end of the program. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    try {
      if (!this.#hasEnded) this.#child.kill(signal);
    } catch (error) {
      // It may end by itself in this very moment, which the system knows before `status` does.
      const isGone = error instanceof Deno.errors.NotFound || error instanceof TypeError;
      if (!isGone) throw error;
    }
    return await within(this.status, `the end of ${this.#script} after ${signal}`);
  }

  /** Reads how much memory the program holds; null where the system has no `/proc`. */
  async memory(): Promise<Memory | null> {
    if (Deno.build.os !== "linux") return null;
    const status = await Deno.readTextFile(`/proc/${this.pid}/status`);
    const bytes = (name: string) =>
      1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
    return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Promise.all([this.stdout.ended, this.stderr.ended]);
    await Deno.remove(this.#home, { recursive: true });
  }

  async #becomeReady(): Promise<void> {
    const line = await within(this.stdout.find(URL_AT_THE_END), `the URL of ${this.#script}`);
    if (line?.[1] !== undefined) {
      this.#url = new URL(line[1]);
      return;
    }
    const { code } = await within(this.status, `the end of ${this.#script}`);
    await this.stderr.ended;
    throw new ProgramError(this.#script, code, `${this.stdout}`, `${this.stderr}`);
  }
}

/** Whether a program can be run in a terminal here: util-linux has what makes one. */
export const hasTerminals: boolean = Deno.build.os === "linux" && isInstalled("script");

/** Returns what runs a call in a terminal of so many columns. */
export function inTerminal(call: readonly string[], columns: number): string[] {
  const quoted = call.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(" ");
  return ["script", "-qec", `stty cols ${columns} rows 50; exec ${quoted}`, "/dev/null"];
}

const ROOT = new URL("../../", import.meta.url);

const URL_AT_THE_END = /(?:^|\s)(https?:\/\/[^\s"']+)$/;

/** Makes an empty home, so that each client has its own key; the registry that modules come from stays the user's. */
async function makeHome(): Promise<string> {
  const home = await Deno.makeTempDir({ prefix: "tunnel-test-" });
  const npmrc = `${Deno.env.get("HOME")}/.npmrc`;
  const exists = await Deno.stat(npmrc).then(() => true, () => false);
  if (exists) await Deno.symlink(npmrc, `${home}/.npmrc`);
  return home;
}

async function environment(home: string): Promise<Record<string, string>> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !/^(?:TUNNEL_.*|PORT|XDG_CONFIG_HOME|XDG_STATE_HOME|STATE_DIRECTORY)$/.test(name)
  );
  denoDir ??= findDenoDir();
  return {
    ...Object.fromEntries(kept),
    TUNNEL_LISTENER: LISTENER,
    HOME: home,
    APPDATA: home,
    DENO_DIR: await denoDir,
    NO_COLOR: "1",
    // Tests run side by side, and there are ten ports for inspectors.
    TUNNEL_INSPECT: "127.0.0.1:0",
  };
}

let denoDir: Promise<string> | undefined;

/** Asks where compiled modules are kept: with a new home, Deno would fetch and compile everything again. */
async function findDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const info: unknown = JSON.parse(new TextDecoder().decode(stdout));
  const isFound = typeof info === "object" && info !== null && "denoDir" in info;
  if (!isFound || typeof info.denoDir !== "string") throw new Error("deno info names no denoDir");
  return info.denoDir;
}
