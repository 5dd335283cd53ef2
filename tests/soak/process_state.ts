import type { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";

/** Milliseconds between two looks at a process's memory. */
const LOOK_INTERVAL = 250;

/** Looks at memory of which the least counts: between two collections it only grows. */
const LOOKS = 12;

/** Returns the bytes that processes hold together, as little as they come down to within three seconds. */
export async function restingMemory(...programs: readonly Program[]): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < LOOKS; look++) {
    least = Math.min(least, await memory(...programs));
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
  }
  return least;
}

/** Returns the bytes that processes hold together. */
export async function memory(...programs: readonly Program[]): Promise<number> {
  const each = await Promise.all(programs.map((program) => program.memory()));
  return each.reduce((sum, now) => sum + (now?.now ?? 0), 0);
}

/** Counts the files and sockets that a process has open. */
export async function descriptors(program: Program): Promise<number> {
  const entries = await Array.fromAsync(Deno.readDir(`/proc/${program.pid}/fd`));
  return entries.length;
}

/** Seconds in which it is counted how often a process wakes up. */
const COUNTED_FOR = 10;

/** Returns how often in a second the threads of a process wake up, counted while it is left alone. */
export async function resumes(program: Program): Promise<number> {
  const before = await switches(program);
  await new Promise((resolve) => setTimeout(resolve, COUNTED_FOR * 1000));
  return (await switches(program) - before) / COUNTED_FOR;
}

/** Counts how often the threads of a process have waited for something, since each of them began. */
async function switches(program: Program): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir(`/proc/${program.pid}/task`)) {
    const status = await Deno.readTextFile(`/proc/${program.pid}/task/${name}/status`);
    sum += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
  }
  return sum;
}

/** Asks a server how many connections of clients it has. */
export async function connections(server: Program): Promise<number> {
  return (await scrape(server)).value("tunnel_connections");
}

/** Asks a server how many streams are open. */
export async function streams(server: Program): Promise<number> {
  return (await scrape(server)).value("tunnel_streams");
}

/** Lowers how many files and sockets a process may have open. @throws {Error} where the system cannot. */
export async function limitDescriptors(program: Program, count: number): Promise<void> {
  const args = ["--pid", `${program.pid}`, `--nofile=${count}:${count}`];
  const { success } = await new Deno.Command("prlimit", { args }).output();
  if (!success) throw new Error("prlimit failed");
}

/** Writes bytes in millions. */
export function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
