import { parseArgs } from "node:util";
import config from "../deno.json" with { type: "json" };
import { printLine, ProgramError, runProgram } from "../lib/cli/program.ts";

/** The programs, each with the task that runs it: what that task allows is what the executable may do. */
const PROGRAMS = ["server", "client"] as const;

const ROOT = new URL("../", import.meta.url);

/** Compiles `tunnel-server` and `tunnel-client`, for this machine or for another. */
async function main(): Promise<number> {
  const { output, target } = readFlags();
  const scratch = await Deno.makeTempDir({ prefix: "tunnel-compile-" });
  try {
    for (const program of PROGRAMS) {
      const script = `${scratch}/tunnel-${program}.mjs`;
      await bundle(`${program}.ts`, script);
      await compile(script, [
        ...allowedTo(program),
        ...(target === undefined ? [] : ["--target", target]),
        ...["--output", `${output}/tunnel-${program}`],
      ]);
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return 0;
}

/** Reads `--target <triple>`, as `deno compile` knows it, and `--output <folder>`. */
function readFlags(): { output: string; target: string | undefined } {
  try {
    const { values } = parseArgs({
      args: [...Deno.args],
      options: { output: { type: "string", default: "dist" }, target: { type: "string" } },
    });
    return { output: values.output, target: values.target };
  } catch (cause) {
    throw new ProgramError(cause instanceof Error ? cause.message : String(cause), 2, { cause });
  }
}

/**
 * Puts the modules that are used into one: an executable would get whole packages, with their types and tests,
 * and start more slowly.
 */
async function bundle(entry: string, script: string): Promise<void> {
  await run(Deno.execPath(), ["bundle", "--quiet", "--frozen", "--output", script, entry]);
}

/** Compiles with DENO_COMPILER where that is set; `deno compile` itself looks at DENORT_BIN. */
async function compile(script: string, options: readonly string[]): Promise<void> {
  const compiler = Deno.env.get("DENO_COMPILER") ?? Deno.execPath();
  // Without the project's configuration, which would bring its packages along; types are checked elsewhere.
  const alone = ["--no-config", "--no-lock", "--no-check"];
  // The cache of compiled code would lie in the folder for temporary files, where others could change it.
  const safe = ["--no-code-cache"];
  const unstable = config.unstable.map((feature) => `--unstable-${feature}`);
  const fixed = ["compile", "--quiet", ...alone, ...safe, ...unstable];
  await run(compiler, [...fixed, ...options, script]);
}

/** Takes the permissions from the task, so that there is one list of them. */
function allowedTo(program: (typeof PROGRAMS)[number]): string[] {
  return config.tasks[program].command.split(" ").filter((word) => word.startsWith("--"));
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { code } = await new Deno.Command(command, { args: [...args], cwd: ROOT }).spawn().status;
  if (code !== 0) throw new ProgramError(`deno ${args[0]} ended with status ${code}`);
}

await runProgram("compile", main, printLine);
