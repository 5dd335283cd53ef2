import { startTunnel, type Tunnel } from "../../testing/tunnel.ts";
import { figure, markdownTable } from "../table.ts";
import { download } from "../transfer.ts";
import { type Axis, measuredLoad, measuredRow, microseconds, targetOf, UNLIMITED } from "./axis.ts";

const STEPS = [1, 2, 4];
const VISITORS = [32, 256];

/** Bytes of a download, of which there are so many at once. */
const LENGTH = 200_000_000;
const DOWNLOADS = [1, 4];

/** Times `seconds` that downloads may take. */
const TRANSFER_FACTOR = 3;

/** From one WebSocket between client and server to several. */
export const connections: Axis = {
  title: "--connections",
  walk: async (origin, { seconds }) => {
    const rows: (readonly string[])[] = [];
    for (const count of STEPS) {
      const measure = async (): Promise<readonly string[]> => {
        const clientArgs = ["--connections", `${count}`];
        await using tunnel = await startTunnel({ origin, serverArgs: UNLIMITED, clientArgs });
        const rates = await measuredRates(tunnel, seconds);
        const speeds: string[] = [];
        for (const downloads of DOWNLOADS) {
          speeds.push(figure(await speed(tunnel, downloads, seconds * TRANSFER_FACTOR)));
        }
        return [`${count}`, ...rates, ...speeds];
      };
      rows.push(await measuredRow(`--connections ${count}`, measure));
    }
    return markdownTable(HEADING, rows);
  },
};

const HEADING = [
  "--connections",
  ...VISITORS.flatMap((count) => [
    `requests/s of ${count} visitors`,
    "p99 ms",
    "CPU µs/request",
  ]),
  ...DOWNLOADS.map((count) => `MB/s of ${count} download${count === 1 ? "" : "s"}`),
];

async function measuredRates(tunnel: Tunnel, seconds: number): Promise<string[]> {
  const cells: string[] = [];
  for (const connections of VISITORS) {
    const result = await measuredLoad(tunnel, "/", { connections, seconds });
    const cpu = result.serverCpu + result.clientCpu;
    cells.push(
      figure(result.requests / result.seconds),
      figure(result.p99),
      microseconds(cpu, result.requests),
    );
  }
  return cells;
}

/** Returns the megabytes a second of so many downloads together. */
async function speed(tunnel: Tunnel, count: number, limit: number): Promise<number> {
  const target = targetOf(tunnel, `/stream/${LENGTH}`);
  const started = performance.now();
  const done = await Promise.all(
    Array.from({ length: count }, () => download(target, LENGTH, limit)),
  );
  const bytes = done.reduce((sum, transfer) => sum + transfer.bytes, 0);
  return bytes / 1e3 / (performance.now() - started);
}
