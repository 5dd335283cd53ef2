import { cpuTime } from "../cpu_time.ts";

/** What processes use, with those that they started: a server that forks does its work in its children. */
export interface Usage {
  /** Seconds of CPU since they started. */
  readonly cpu: number;
  /** Bytes of memory that they hold now. */
  readonly memory: number;
  /** Sum of the most that each of them ever held, in bytes. */
  readonly peakMemory: number;
}

/** Adds up what the processes and all that they started use; one that is gone counts nothing. */
export async function processUsage(pids: readonly number[]): Promise<Usage> {
  const trees = await Promise.all(pids.map(processTree));
  const usages = await Promise.all(trees.flat().map(ownUsage));
  const sum = (of: (usage: Usage) => number): number =>
    usages.reduce((total, usage) => total + of(usage), 0);
  return {
    cpu: sum(({ cpu }) => cpu),
    memory: sum(({ memory }) => memory),
    peakMemory: sum(({ peakMemory }) => peakMemory),
  };
}

/** Lists a process and all that it started and that still runs. */
export async function processTree(pid: number): Promise<number[]> {
  const children = await unlessGone(Deno.readTextFile(`/proc/${pid}/task/${pid}/children`), "");
  const pids = children.split(" ").filter((child) => child !== "").map(Number);
  return [pid, ...(await Promise.all(pids.map(processTree))).flat()];
}

async function ownUsage(pid: number): Promise<Usage> {
  const status = await unlessGone(Deno.readTextFile(`/proc/${pid}/status`), "");
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  return {
    cpu: await unlessGone(cpuTime(pid), 0) ?? 0,
    memory: bytes("VmRSS"),
    peakMemory: bytes("VmHWM"),
  };
}

async function unlessGone<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    // `/proc` fails with ESRCH, which has no class, when the process ends between opening and reading.
    if (error instanceof Error && /os error [23]\b/.test(error.message)) return otherwise;
    throw error;
  }
}
