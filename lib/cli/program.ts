import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./command_line.ts";
import { escapeUnsafe, traceOf } from "./safe_text.ts";

/** Why a program cannot go on, in one line for the person who started it. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
  constructor(
    message: string,
    /** 1 for a failure, 2 for a wrong call. */
    readonly exitStatus: 1 | 2 = 1,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Runs a program to its exit status. What it throws ends it with one line; what is thrown or rejected
 * anywhere else, by a mistake of ours, is reported and costs one request at most.
 */
export async function runProgram(main: () => Promise<number>): Promise<never> {
  const name = programName();
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    printLine(`unexpected: ${traceOf(event.reason)}`);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    printLine(`unexpected: ${traceOf(event.error)}`);
  });
  Deno.exit(
    await main().catch((error) => {
      const { message, status } = ending(name, error);
      printLine(message);
      return status;
    }),
  );
}

/** Names the program as it was started, so that a call which a message shows works when it is typed. */
export function programName(): string {
  // Asked for once: a program that runs may not look at its folder any more.
  name ??= Deno.build.standalone
    ? nameOfExecutable(Deno.execPath())
    : nameOfScript(Deno.mainModule, Deno.cwd());
  return name;
}

let name: string | undefined;

/** Returns what starts the executable at that path: where it is on the PATH, its name is enough. */
export function nameOfExecutable(path: string): string {
  return basename(path, ".exe");
}

/** Returns what starts the script at that URL from that folder. */
export function nameOfScript(url: string, folder: string): string {
  return `deno run -A ${url.startsWith("file:") ? relative(folder, fileURLToPath(url)) : url}`;
}

/** Calls `stop` at the first SIGINT or SIGTERM and ends the process at the second. */
export function onStopSignal(stop: () => void): void {
  let stopping = false;
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) {
    Deno.addSignalListener(signal, () => {
      if (stopping) {
        // The terminal shows ^C, and the shell goes on behind it.
        if (Deno.stderr.isTerminal()) printLine("");
        Deno.exit(STOPPED_BY_SIGNAL);
      }
      stopping = true;
      stop();
    });
  }
}

/** Calls `reload` at each SIGHUP, which would end the process otherwise; Windows has none. */
export function onReload(reload: () => void, until?: AbortSignal): void {
  if (Deno.build.os === "windows") return;
  Deno.addSignalListener("SIGHUP", reload);
  until?.addEventListener("abort", () => Deno.removeSignalListener("SIGHUP", reload));
}

/** Writes a line to standard error; what others put into it cannot end the line or drive the terminal. */
export function printLine(line: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`${escapeUnsafe(line)}\n`));
  } catch {
    // The pipe is closed, which must not end the program.
  }
}

/** What shells expect of a process that a SIGINT ended. */
const STOPPED_BY_SIGNAL = 130;

function ending(name: string, error: unknown): { message: string; status: number } {
  if (error instanceof UsageError) {
    return { message: `${name}: ${error.message} (see ${name} --help)`, status: 2 };
  }
  if (error instanceof ProgramError) {
    return { message: `${name}: ${error.message}`, status: error.exitStatus };
  }
  return { message: `${name}: ${traceOf(error)}`, status: 1 };
}
