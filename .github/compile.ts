import config from "../deno.json" with { type: "json" };
import { parseCommandLine } from "../lib/cli/command_line.ts";
import { type FlagValues, textFlag } from "../lib/cli/flags.ts";
import { ProgramError, programName, runProgram } from "../lib/cli/program.ts";

/** The programs, each with the task that runs it: what that task allows is what the executable may do. */
const PROGRAMS = ["server", "client"] as const;

const GROUP = "The executables";

const FLAGS = {
  /** The path of a folder. */
  output: textFlag({
    group: GROUP,
    help: "folder that they are put into",
    placeholder: "<folder>",
    default: "dist",
  }),
  /** A system as `deno compile` names it; null for this one. */
  target: textFlag({
    group: GROUP,
    help: "system that they are for, as deno compile names it",
    placeholder: "<triple>",
    default: null,
    defaultText: "this one",
  }),
};

const ROOT = new URL("../", import.meta.url);

/** Compiles `tunnel-server` and `tunnel-client`, for this machine or for another. */
async function main(): Promise<number> {
  const command = parseCommandLine(
    {
      name: programName(),
      summary: "Compiles both programs into executables.",
      usage: "[flags]",
      flags: FLAGS,
      maxPositionals: 0,
    },
    Deno.args,
    (variable) => Deno.env.get(variable),
  );
  if (command.kind === "help") console.log(command.text);
  if (command.kind === "version") console.log(config.version);
  return command.kind === "run" ? await compileAll(command.values) : 0;
}

async function compileAll({ output, target }: FlagValues<typeof FLAGS>): Promise<number> {
  const scratch = await Deno.makeTempDir({ prefix: "tunnel-compile-" });
  try {
    for (const program of PROGRAMS) {
      const script = `${scratch}/tunnel-${program}.mjs`;
      await bundle(`${program}.ts`, script);
      await compile(script, [
        ...allowedTo(program),
        ...(target === null ? [] : ["--target", target]),
        ...["--output", `${output}/tunnel-${program}`],
      ]);
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return 0;
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

await runProgram(main);
