import { Lines } from "../testing/lines.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { within } from "../testing/within.ts";

/** What a program left behind. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The folder with executables that were compiled before; else the tests compile them. */
const COMPILED = Deno.env.get("EXECUTABLES");

const ROOT = new URL("../../", import.meta.url);

/** Tells whether there are executables or something to compile them with, and says so when not. */
export async function hasExecutables(): Promise<boolean> {
  return COMPILED !== undefined || await hasCompiler();
}

/** Tells whether anything can be compiled here, and says so when not. */
export async function hasCompiler(): Promise<boolean> {
  await using folder = await TempDir.make();
  const script = `${folder.path}/empty.ts`;
  await Deno.writeTextFile(script, "export {};\n");
  // What can fail for so small a program is the compiler's download of the runtime alone.
  const { success, stderr } = await compileScript(script, `${folder.path}/empty`);
  if (!success) console.warn(`skipped: nothing can be compiled here: ${causeIn(stderr)}`);
  return success;
}

/** Compiles a script that needs no packages into an executable of its own. */
export async function compileScript(
  script: string,
  output: string,
  permissions: readonly string[] = [],
): Promise<Deno.CommandOutput> {
  const args = ["compile", "--no-check", "--no-config", ...permissions, "--output", output, script];
  return await new Deno.Command(Deno.env.get("DENO_COMPILER") ?? Deno.execPath(), { args })
    .output();
}

/** Compiles both programs into the folder as a person does, and returns where they are. */
export async function compile(folder: string): Promise<string> {
  if (COMPILED !== undefined) return COMPILED;
  const args = ["task", "compile", "--output", folder];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(`deno task compile failed: ${new TextDecoder().decode(stderr)}`);
  return folder;
}

/** A compiled program that runs, with a home of its own and no other environment. */
export class Executable implements AsyncDisposable {
  readonly stdout: Lines;
  readonly stderr: Lines;
  readonly #file: string;
  readonly #child: Deno.ChildProcess;
  readonly #status: Promise<Deno.CommandStatus>;
  #hasEnded = false;

  private constructor(file: string, child: Deno.ChildProcess) {
    this.#file = file;
    this.#child = child;
    this.stdout = new Lines(child.stdout);
    this.stderr = new Lines(child.stderr);
    this.#status = child.status.then((status) => {
      this.#hasEnded = true;
      return status;
    });
  }

  static start(file: string, args: readonly string[], env: Record<string, string>): Executable {
    return new Executable(file, command(file, args, env).spawn());
  }

  /** Runs a program that ends by itself. */
  static async run(file: string, args: readonly string[]): Promise<Ended> {
    const { code, stdout, stderr } = await within(command(file, args, {}).output(), file);
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Waits for the line with the URL: the server listens then, the client is registered. */
  async url(): Promise<URL> {
    const line = await within(this.stdout.find(/^https?:\/\/\S+$/), `the URL of ${this.#file}`);
    if (line === null) throw new Error(`${this.#file} ended: ${this.stderr}`);
    return new URL(line[0]);
  }

  /** Sends a signal and goes on. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and returns the exit status. */
  async stop(signal: Deno.Signal): Promise<number> {
    if (!this.#hasEnded) this.#child.kill(signal);
    const { code } = await within(this.#status, `the end of ${this.#file} after ${signal}`);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Promise.all([this.stdout.ended, this.stderr.ended]);
  }
}

function command(file: string, args: readonly string[], env: Record<string, string>): Deno.Command {
  // Without it Windows opens no sockets.
  const systemRoot = Deno.env.get("SystemRoot");
  return new Deno.Command(Deno.build.os === "windows" ? `${file}.exe` : file, {
    args: [...args],
    clearEnv: true,
    env: systemRoot === undefined ? env : { SystemRoot: systemRoot, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Returns the line that tells the cause, which stands last before a trace. */
function causeIn(bytes: Uint8Array): string {
  const [told = ""] = new TextDecoder().decode(bytes).split("\nStack backtrace");
  return told.trim().split("\n").at(-1)?.trim() ?? "";
}
