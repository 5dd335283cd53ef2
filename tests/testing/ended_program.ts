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
}

/** Runs a program that is to end by itself, as after a wrong call; one that does not is killed. */
export async function runToEnd(
  script: "server.ts" | "client.ts",
  args: readonly string[],
  { env = {} }: RunOptions = {},
): Promise<EndedProgram> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, ...args],
    cwd: ROOT,
    clearEnv: true,
    // The line that says where an inspector listens is not what such a program is asked for.
    env: { ...ownEnvironment(), NO_COLOR: "1", TUNNEL_INSPECT: "off", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

const ROOT = new URL("../../", import.meta.url);

function ownEnvironment(): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) =>
    !name.startsWith("TUNNEL_") && name !== "PORT"
  );
  return Object.fromEntries(kept);
}
