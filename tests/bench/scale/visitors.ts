import { startTunnel } from "../../testing/tunnel.ts";
import { load } from "../load.ts";
import { figure, markdownTable } from "../table.ts";
import {
  type Axis,
  measuredLoad,
  measuredRow,
  megabytes,
  microseconds,
  UNLIMITED,
  usages,
} from "./axis.ts";

const STEPS = [1, 10, 100, 1000];

/** From one visitor to a thousand, each with a connection of its own and one request at a time. */
export const visitors: Axis = {
  title: "Visitors at once, small answers",
  walk: async (origin, { seconds }) => {
    await using tunnel = await startTunnel({ origin, serverArgs: UNLIMITED });
    const target = { port: origin.port, host: `127.0.0.1:${origin.port}`, path: "/" };
    const rows: (readonly string[])[] = [];
    for (const connections of STEPS) {
      const measure = async (): Promise<readonly string[]> => {
        const direct = await load(target, { connections, seconds });
        const result = await measuredLoad(tunnel, "/", { connections, seconds });
        const { server, client } = await usages(tunnel);
        return [
          `${connections}`,
          figure(direct.requests / direct.seconds),
          figure(result.requests / result.seconds),
          figure(result.p50),
          figure(result.p99),
          microseconds(result.serverCpu, result.requests),
          microseconds(result.clientCpu, result.requests),
          megabytes(server.memory),
          megabytes(client.memory),
        ];
      };
      rows.push(await measuredRow(`${connections} visitors`, measure));
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
