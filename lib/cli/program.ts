import { platform } from "node:os";
import { UsageError } from "./command_line.ts";
import type { StopSignal } from "./runtime.ts";
import { escapeUnsafe, traceOf } from "./safe_text.ts";
import { SYSTEM_RUNTIME } from "./system_runtime.ts";

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
  SYSTEM_RUNTIME.onUncaught((error) => printLine(`unexpected: ${traceOf(error)}`));
  const status = await main().catch((error) => {
    const { message, status } = ending(name, error);
    printLine(message);
    return status;
  });
  // What was printed to a pipe may still be on its way in Node.
  await SYSTEM_RUNTIME.stdout.write(NOTHING).catch(() => {});
  SYSTEM_RUNTIME.exit(status);
}

const NOTHING = new Uint8Array(0);

/** Names the program as it was started, so that a call which a message shows works when it is typed. */
export function programName(): string {
  return SYSTEM_RUNTIME.programName();
}

/** Calls `stop` at the first SIGINT or SIGTERM and ends the process at the second. */
export function onStopSignal(stop: () => void): void {
  let stopping = false;
  const signals: readonly StopSignal[] = platform() === "win32"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) {
    SYSTEM_RUNTIME.onSignal(signal, () => {
      if (stopping) {
        // The terminal shows ^C, and the shell goes on behind it.
        if (SYSTEM_RUNTIME.stderr.isTerminal()) printLine("");
        SYSTEM_RUNTIME.exit(STOPPED_BY_SIGNAL);
      }
      stopping = true;
      stop();
    });
  }
}

/** Calls `reload` at each SIGHUP, which would end the process otherwise; Windows has none. */
export function onReload(reload: () => void, until?: AbortSignal): void {
  if (platform() === "win32") return;
  SYSTEM_RUNTIME.onSignal("SIGHUP", reload);
  until?.addEventListener("abort", () => SYSTEM_RUNTIME.offSignal("SIGHUP", reload));
}

/** Writes a line to standard error; what others put into it cannot end the line or drive the terminal. */
export function printLine(line: string): void {
  try {
    SYSTEM_RUNTIME.stderr.writeSync(new TextEncoder().encode(`${escapeUnsafe(line)}\n`));
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
