import { Lines } from "../testing/lines.ts";
import { within } from "../testing/within.ts";

/** System calls by what they are for. */
export interface SystemCalls {
  readonly reads: number;
  readonly writes: number;
  /** Waits for something to happen. */
  readonly polls: number;
}

/** Tells whether strace is on the PATH. */
export async function hasStrace(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("strace", {
      args: ["-V"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/**
 * Counts the system calls that processes make while something runs; what threads do among themselves (futex) and for
 * their memory is left out, for it depends on the clock.
 *
 * @throws {Error} when strace may not look at a process.
 */
export async function countSystemCalls(
  pids: readonly number[],
  run: () => Promise<void>,
): Promise<SystemCalls[]> {
  await using traces = new AsyncDisposableStack();
  const started = await Promise.all(pids.map(async (pid) => traces.use(await Trace.start(pid))));
  await run();
  return await Promise.all(started.map((trace) => trace.end()));
}

/** One strace of one process with all of its threads. */
class Trace implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Lines;
  #hasEnded = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stderr = new Lines(child.stderr);
  }

  static async start(pid: number): Promise<Trace> {
    const child = new Deno.Command("strace", {
      args: ["-c", "-f", "-U", "calls,name", "-p", String(pid)],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const trace = new Trace(child);
    const line = await within(trace.#stderr.find(/attached|Operation not permitted/), "strace");
    if (line === null || /not permitted/.test(line[0])) {
      await trace[Symbol.asyncDispose]();
      throw new Error(`strace may not look at process ${pid}: ${trace.#stderr}`);
    }
    return trace;
  }

  /** Lets go of the process and returns what was counted. */
  async end(): Promise<SystemCalls> {
    await this[Symbol.asyncDispose]();
    const counts = new Map<string, number>();
    for (const [, count, name] of `${this.#stderr}`.matchAll(/^\s*(\d+)\s+(\w+)\s*$/gm)) {
      counts.set(name ?? "", Number(count));
    }
    const sum = (names: readonly string[]): number =>
      names.reduce((total, name) => total + (counts.get(name) ?? 0), 0);
    return { reads: sum(READS), writes: sum(WRITES), polls: sum(POLLS) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // On an interrupt strace detaches and prints its table.
    this.#child.kill("SIGINT");
    await within(this.#child.status, "the end of strace");
    await this.#stderr.ended;
  }
}

const READS = ["read", "readv", "recvfrom", "recvmsg"];
const WRITES = ["write", "writev", "sendto", "sendmsg"];
const POLLS = ["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll"];
