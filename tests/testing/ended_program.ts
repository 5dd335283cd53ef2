import { PATIENCE } from "./within.ts";

/** What a program left behind. */
export interface EndedProgram {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Set beside the test's own environment, from which everything that configures the programs is taken away. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from its standard input. @default nothing */
  readonly input?: string;
}

/** Runs a program that is to end by itself, as after a wrong call; one that does not is killed. */
export async function runToEnd(
  script: "server.ts" | "client.ts",
  args: readonly string[],
  { env = {}, input = "" }: RunOptions = {},
): Promise<EndedProgram> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, ...args],
    cwd: ROOT,
    clearEnv: true,
    // The line that says where an inspector listens is not what such a program is asked for.
    env: { ...ownEnvironment(), NO_COLOR: "1", TUNNEL_INSPECT: "off", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  await write(child.stdin, input);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Writes what a program may not want to read. */
async function write(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

const ROOT = new URL("../../", import.meta.url);

function ownEnvironment(): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("TUNNEL_") && name !== "PORT"
  );
  return Object.fromEntries(kept);
}
