/** What a suite has found. */
export interface SuiteReport {
  /** For a person: versions, counts, what does not apply. */
  readonly lines: readonly string[];
  /** What must not be; empty when the suite has passed. */
  readonly faults: readonly string[];
}

/** A program of somebody else's that a suite cannot do without. */
export interface ToolNames {
  /** The names that it may have, the first one first. */
  readonly names: readonly string[];
  /** The command that installs it. */
  readonly install: string;
}

/** A tool that is not there: its suite has not run, which is neither a pass nor a fault. */
export class MissingToolError extends Error {
  override readonly name = "MissingToolError";
  readonly code = "missing-tool";
}

export interface RunOptions {
  readonly cwd?: string;
  /** Seconds, after which the tool is ended: no suite may hang. */
  readonly limit: number;
}

export interface RunResult {
  readonly code: number;
  /** Standard output, then standard error. */
  readonly output: string;
}

/** Finds a tool on the PATH, or where Go installs programs. @throws {MissingToolError} */
export async function findTool({ names, install }: ToolNames): Promise<string> {
  const home = Deno.env.get("HOME") ?? "";
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), `${home}/go/bin`];
  for (const name of names) {
    for (const folder of folders) {
      const file = `${folder}/${name}`;
      const isThere = await Deno.stat(file).then(({ isFile }) => isFile, () => false);
      if (isThere) return file;
    }
  }
  throw new MissingToolError(`${names[0]} is missing. Install it: ${install}`);
}

/** Runs a tool to its end, with less priority than what it tests. */
export async function runTool(
  file: string,
  args: readonly string[],
  { cwd, limit }: RunOptions,
): Promise<RunResult> {
  const command = new Deno.Command("nice", {
    args: ["-n", "5", "timeout", "--kill-after=5", `${limit}`, file, ...args],
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  if (code === TIMED_OUT) throw new Error(`${file} did not end within ${limit} s`);
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** The status of `timeout` when it had to end the program. */
const TIMED_OUT = 124;
