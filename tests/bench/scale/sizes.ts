import { startTunnel, type Tunnel } from "../../testing/tunnel.ts";
import type { Target } from "../load.ts";
import { figure, markdownTable } from "../table.ts";
import {
  type Axis,
  measuredRow,
  megabytes,
  resetPeak,
  targetOf,
  UNLIMITED,
  usages,
} from "./axis.ts";
import { TRANSFER_FACTOR } from "../settings.ts";
import { bodyLoad } from "./body_load.ts";

/** Bytes. */
const STEPS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** The largest body that the origin sends at once, and the smallest of which one is enough to be measured. */
const MAX_AT_ONCE = 1e6;

/** Visitors of the bodies below that. */
const VISITORS = 8;

/** From a kilobyte to a gigabyte, down and up. */
export const sizes: Axis = {
  title: "Length of a body",
  walk: async (origin, { seconds, size }) => {
    await using tunnel = await startTunnel({ origin, serverArgs: UNLIMITED });
    const direct = { port: origin.port, host: `127.0.0.1:${origin.port}` };
    const rows: (readonly string[])[] = [];
    for (const length of STEPS.filter((step) => step <= size)) {
      const path = `/${length <= MAX_AT_ONCE ? "bytes" : "stream"}/${length}`;
      const bounds = length > MAX_AT_ONCE
        ? { connections: 1, seconds: seconds * TRANSFER_FACTOR, repeats: 1 }
        : { connections: VISITORS, seconds };
      const measure = async (): Promise<readonly string[]> => {
        const row = [shown(length)];
        for (const direction of ["download", "upload"] as const) {
          const run = (target: Target) => bodyLoad(target, { direction, length, ...bounds });
          const reached = await run({ ...direct, path });
          const { speed, peaks } = await withPeaks(tunnel, () => run(targetOf(tunnel, path)));
          row.push(figure(reached), figure(speed), ...peaks);
        }
        return row;
      };
      rows.push(await measuredRow(`bodies of ${shown(length)}`, measure));
    }
    return markdownTable(HEADING, rows);
  },
};

const HEADING = [
  "one body",
  ...["download", "upload"].flatMap((direction) => [
    `${direction} MB/s, direct`,
    "tunnel",
    "peak server MB",
    "client MB",
  ]),
];

async function withPeaks(
  tunnel: Tunnel,
  run: () => Promise<number>,
): Promise<{ speed: number; peaks: readonly string[] }> {
  await Promise.all([tunnel.server.pid, tunnel.client.pid].map(resetPeak));
  const speed = await run();
  const { server, client } = await usages(tunnel);
  return { speed, peaks: [megabytes(server.peakMemory), megabytes(client.peakMemory)] };
}

function shown(length: number): string {
  if (length >= 1e9) return `${length / 1e9} GB`;
  return length >= 1e6 ? `${length / 1e6} MB` : `${length / 1e3} KB`;
}
