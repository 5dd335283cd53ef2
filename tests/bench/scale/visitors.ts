import { printLine } from "../../../lib/program.ts";
import { startTunnel } from "../../testing/tunnel.ts";
import { load } from "../load.ts";
import { figure, markdownTable } from "../table.ts";
import { type Axis, measuredLoad, megabytes, microseconds, UNLIMITED, usages } from "./axis.ts";

const STEPS = [1, 10, 100, 1000];

/** From one visitor to a thousand, each with a connection of its own and one request at a time. */
export const visitors: Axis = {
  title: "Visitors at once, small answers",
  walk: async (origin, { seconds }) => {
    await using tunnel = await startTunnel({ origin, serverArgs: UNLIMITED });
    const rows: string[][] = [];
    for (const connections of STEPS) {
      printLine(`${connections} visitors`);
      const target = { port: origin.port, host: `127.0.0.1:${origin.port}`, path: "/" };
      const direct = await load(target, { connections, seconds });
      const result = await measuredLoad(tunnel, "/", { connections, seconds });
      const { server, client } = await usages(tunnel);
      rows.push([
        `${connections}`,
        figure(direct.requests / direct.seconds),
        figure(result.requests / result.seconds),
        figure(result.p50),
        figure(result.p99),
        microseconds(result.serverCpu, result.requests),
        microseconds(result.clientCpu, result.requests),
        megabytes(server.memory),
        megabytes(client.memory),
      ]);
    }
    return markdownTable(HEADING, rows);
  },
};

const HEADING = [
  "visitors",
  "requests/s, direct",
  "tunnel",
  "p50 ms",
  "p99 ms",
  "server µs/request",
  "client µs/request",
  "server MB",
  "client MB",
];
