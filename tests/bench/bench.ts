import config from "../../deno.json" with { type: "json" };
import { type FlagValues, integerFlag, switchFlag } from "../../lib/cli/flags.ts";
import { printLine } from "../../lib/cli/program.ts";
import { startServer, startThrough, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { Baseline, type Figure } from "./baseline.ts";
import { Copies, COUNTING } from "./copies.ts";
import { FrameTap } from "./frame_tap.ts";
import { load, type Target } from "./load.ts";
import { OriginProcess } from "./origin_process.ts";
import { processUsage } from "./peers/process_usage.ts";
import { countSystemCalls, hasStrace } from "./system_calls.ts";
import { frameFigures, type Task, TASKS } from "./work_figures.ts";
import { runTool } from "../testing/tool.ts";

const BASELINE = new URL("baseline.json", import.meta.url);

/** Connections that speed is compared over. */
const RATIO_CONNECTIONS = 32;

const FLAGS = {
  seconds: integerFlag({
    group: "Bounds",
    help: "how long each of the few things is measured that need the clock",
    default: 3,
    least: 1,
    most: 600,
  }),
  update: switchFlag({
    group: "Baseline",
    help: "store what is measured as the baseline instead of comparing it",
  }),
};

type Values = FlagValues<typeof FLAGS>;

/** Counts the work that the tunnel does, compares it with what is stored, and says what has become more. */
async function main(values: Values): Promise<number> {
  await using origin = await OriginProcess.start();
  const figures = [
    ...await countFrames(origin),
    ...await countCopies(origin),
    ...await measureTunnel(origin, values.seconds),
  ];
  const { table, worse, missing } = (await Baseline.read(BASELINE)).compare(figures);
  console.log(table);
  if (values.update) {
    const { deno } = Deno.version;
    await Baseline.write(BASELINE, figures, `tunnel ${config.version}, Deno ${deno}`);
    printLine("stored as the baseline");
    return 0;
  }
  if (missing.length > 0) printLine(`not measured this time: ${missing.join("; ")}`);
  if (worse.length > 0) printLine(`worse than the baseline: ${worse.join("; ")}`);
  return worse.length > 0 ? 1 : 0;
}

/** Lets all pass through a tap between client and server. */
async function countFrames(origin: OriginProcess): Promise<Figure[]> {
  await using server = await startServer();
  await using tap = FrameTap.start(Number(server.url.port));
  await using tunnel = await startThrough(tap, server, origin);
  const figures: Figure[] = [];
  for (const task of TASKS) {
    printLine(`frames: ${task.name}`);
    await task.run(targetOf(tunnel, task.path));
    figures.push(...await frameFigures(task, targetOf(tunnel, task.path), tap));
  }
  return figures;
}

async function countCopies(origin: OriginProcess): Promise<Figure[]> {
  await using tunnel = await startTunnel({ origin, programs: COUNTING });
  const copies = new Copies(tunnel);
  const figures: Figure[] = [];
  for (const task of TASKS) {
    printLine(`copies: ${task.name}`);
    await task.run(targetOf(tunnel, task.path));
    const before = await copies.read();
    const units = await task.run(targetOf(tunnel, task.path));
    const after = await copies.read();
    for (const [i, program] of ["server", "client"].entries()) {
      figures.push({
        name: `${task.name}: bytes that the ${program} copies per ${task.unit}`,
        value: ((after[i] ?? 0) - (before[i] ?? 0)) / units,
        tolerance: task.isAlone ? "exact" : "turns",
      });
    }
  }
  return figures;
}

/** Measures what a tap would disturb. */
async function measureTunnel(origin: OriginProcess, seconds: number): Promise<Figure[]> {
  await using tunnel = await startTunnel({ origin });
  const figures: Figure[] = [];
  // Compiled code and grown pools are what a server has in all but its first second.
  await load(targetOf(tunnel, "/"), { connections: RATIO_CONNECTIONS, seconds: 1 });
  if (await hasStrace()) {
    for (const task of TASKS) {
      printLine(`system calls: ${task.name}`);
      figures.push(...await systemCallFigures(task, tunnel));
    }
  } else {
    printLine("system calls are not counted: strace is not on the PATH");
  }
  printLine("ratios to the origin reached directly");
  return [...figures, ...await ratioFigures(origin, tunnel, seconds)];
}

async function systemCallFigures(task: Task, tunnel: Tunnel): Promise<Figure[]> {
  let units = 0;
  const pids = [tunnel.server.pid, tunnel.client.pid];
  const calls = await countSystemCalls(pids, async () => {
    units = await task.run(targetOf(tunnel, task.path));
  });
  return calls.flatMap(({ reads, writes, polls }, i) =>
    // How often a process has to wait says little where much arrives at once: it differs by ten times.
    Object.entries(task.isAlone ? { reads, writes, polls } : { reads, writes }).map((
      [kind, count],
    ): Figure => ({
      name: `${task.name}: ${kind} of the ${i === 0 ? "server" : "client"} per ${task.unit}`,
      value: count / units,
      tolerance: task.isAlone ? "exact" : "turns",
    }))
  );
}

/** The origin is a plain `Deno.serve`: how many times slower is the tunnel, how many times the CPU does it take? */
async function ratioFigures(
  origin: OriginProcess,
  tunnel: Tunnel,
  seconds: number,
): Promise<Figure[]> {
  const options = { connections: RATIO_CONNECTIONS, seconds };
  const host = `127.0.0.1:${origin.port}`;
  const direct = await cost([origin.pid], { port: origin.port, host, path: "/" }, options);
  const pids = [tunnel.server.pid, tunnel.client.pid];
  const through = await cost(pids, targetOf(tunnel, "/"), options);
  const name = `small answers, ${RATIO_CONNECTIONS} connections`;
  return [
    {
      name: `${name}: times slower than Deno.serve`,
      value: direct.rate / through.rate,
      tolerance: "clock",
    },
    {
      name: `${name}: times the CPU of Deno.serve`,
      value: through.cpu / direct.cpu,
      tolerance: "clock",
    },
  ];
}

/** Returns requests a second, and the seconds of CPU for each that processes take. */
async function cost(
  pids: readonly number[],
  target: Target,
  options: { readonly connections: number; readonly seconds: number },
): Promise<{ rate: number; cpu: number }> {
  const before = await processUsage(pids);
  const { requests, seconds } = await load(target, options);
  const { cpu } = await processUsage(pids);
  return { rate: requests / seconds, cpu: (cpu - before.cpu) / requests };
}

function targetOf(tunnel: Tunnel, path: string): Target {
  return { port: Number(tunnel.server.url.port), host: tunnel.host, path };
}

await runTool({
  summary:
    "Counts frames, messages, copied bytes and system calls, and compares them with a baseline.",
  flags: FLAGS,
}, main);
