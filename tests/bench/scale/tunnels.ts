import { startTunnel, type Tunnel } from "../../testing/tunnel.ts";
import { processUsage } from "../peers/process_usage.ts";
import { figure, markdownTable } from "../table.ts";
import {
  type Axis,
  measuredLoad,
  measuredRow,
  megabytes,
  microseconds,
  UNLIMITED,
} from "./axis.ts";
import { IdleTunnels } from "./idle_process.ts";

/** Idle tunnels beside the one that is asked. */
const STEPS = [0, 1, 10, 100, 1000, 10_000];

/** Visitors of the one tunnel. */
const VISITORS = 32;

/** Milliseconds in which each tunnel is pinged twice (PROTOCOL.md: after ten seconds without a frame). */
const IDLE_TIME = 20_000;

/** Idle tunnels below which their memory is lost in that of everything else. */
const ENOUGH = 1000;

/** From one tunnel to ten thousand, of which all but one do nothing. */
export const tunnels: Axis = {
  title: "Registered tunnels, one of them asked",
  walk: async (origin, { seconds, tunnels }) => {
    await using tunnel = await startTunnel({ origin, serverArgs: UNLIMITED });
    await using idle = new IdleTunnels(Number(tunnel.server.url.port));
    // What grows once under load is no idle tunnel's.
    await measuredLoad(tunnel, "/", { connections: VISITORS, seconds });
    const rows: (readonly string[])[] = [];
    let there = 0;
    let first: number | null = null;
    for (const count of STEPS.filter((step) => step <= tunnels)) {
      const measure = async (): Promise<readonly string[]> => {
        const added = count - there;
        const before = await ofServer(tunnel);
        await idle.growTo(count);
        there = count;
        const grown = await ofServer(tunnel);
        await new Promise((resolve) => setTimeout(resolve, IDLE_TIME));
        const rested = await ofServer(tunnel);
        first ??= rested.memory;
        const result = await measuredLoad(tunnel, "/", { connections: VISITORS, seconds });
        return [
          `${count}`,
          megabytes(rested.memory),
          count < ENOUGH ? "" : figure((rested.memory - first) / 1e3 / count),
          added < ENOUGH / 10 ? "" : ((grown.cpu - before.cpu) * 1e3 / added).toFixed(2),
          ((rested.cpu - grown.cpu) / (IDLE_TIME / 1000) * 100).toFixed(1),
          figure(result.requests / result.seconds),
          figure(result.p99),
          microseconds(result.serverCpu, result.requests),
        ];
      };
      rows.push(await measuredRow(`${count} idle tunnels`, measure));
    }
    return markdownTable(HEADING, rows);
  },
};

const HEADING = [
  "idle tunnels",
  "server MB",
  "KB each",
  "CPU ms/registration",
  "idle CPU %",
  "requests/s",
  "p99 ms",
  "server µs/request",
];

function ofServer({ server }: Tunnel) {
  return processUsage([server.pid]);
}
