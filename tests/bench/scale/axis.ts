import { messageOf } from "../../../lib/cli/safe_text.ts";
import { printLine } from "../../../lib/cli/program.ts";
import type { Tunnel } from "../../testing/tunnel.ts";
import { type Load, load, type Target } from "../load.ts";
import type { OriginProcess } from "../origin_process.ts";
import { processUsage, type Usage } from "../peers/process_usage.ts";

/** What bounds a walk along an axis. */
export interface Bounds {
  /** How long each rate is measured. */
  readonly seconds: number;
  /** Tunnels at most. */
  readonly tunnels: number;
  /** Bytes of the longest body. */
  readonly size: number;
}

/** One thing that grows while all else stays. */
export interface Axis {
  readonly title: string;
  /** Measures step by step and returns the table. */
  readonly walk: (origin: OriginProcess, bounds: Bounds) => Promise<string>;
}

/** What a server must be told so that none of its limits is what is measured. */
export const UNLIMITED: readonly string[] = [
  ...["--max-streams", "10000", "--max-tunnels", "100000", "--registration-rate", "1000000/s"],
  ...["--log-level", "warn"],
];

/** Measures one row; a failure is its row, so that the others are not lost. */
export async function measuredRow(
  step: string,
  measure: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  printLine(step);
  try {
    return await measure();
  } catch (error) {
    printLine(`${step} failed: ${messageOf(error)}`);
    return [`${step}: failed`];
  }
}

/** A load with what server and client used meanwhile, in seconds of CPU. */
export interface MeasuredLoad extends Load {
  readonly serverCpu: number;
  readonly clientCpu: number;
}

/** Asks over some connections, after a second to become warm. */
export async function measuredLoad(
  tunnel: Tunnel,
  path: string,
  options: { readonly connections: number; readonly seconds: number },
): Promise<MeasuredLoad> {
  const target = targetOf(tunnel, path);
  await load(target, { ...options, seconds: 1 });
  const before = await usages(tunnel);
  const result = await load(target, options);
  const after = await usages(tunnel);
  return {
    ...result,
    serverCpu: after.server.cpu - before.server.cpu,
    clientCpu: after.client.cpu - before.client.cpu,
  };
}

export async function usages(
  { server, client }: Tunnel,
): Promise<{ server: Usage; client: Usage }> {
  const [ofServer, ofClient] = await Promise.all([
    processUsage([server.pid]),
    processUsage([client.pid]),
  ]);
  return { server: ofServer, client: ofClient };
}

/** Lets the peak of a process's memory begin anew; where the system cannot, it stays what it was. */
export async function resetPeak(pid: number): Promise<void> {
  try {
    await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // Only Linux knows it, and only the owner of a process may.
  }
}

export function targetOf(tunnel: Tunnel, path: string): Target {
  return { port: Number(tunnel.server.url.port), host: tunnel.host, path };
}

/** Writes bytes of memory in millions. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** Writes seconds of CPU for each of so many in microseconds. */
export function microseconds(cpu: number, count: number): string {
  return (cpu * 1e6 / count).toFixed(0);
}
