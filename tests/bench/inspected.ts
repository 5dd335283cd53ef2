import { printLine } from "../../lib/cli/program.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { cpuTime } from "./cpu_time.ts";
import { load } from "./load.ts";
import type { OriginProcess } from "./origin_process.ts";
import { figure } from "./table.ts";
import { download, upload } from "./transfer.ts";

/** Turns of each measurement: other work on the machine comes and goes, and the turns are next to each other. */
const TURNS = 16;

/** Connections of small answers, as in the table of this tunnel alone. */
const CONNECTIONS = 32;

/** Bytes of a long body. */
const LENGTH = 200_000_000;

/** What a tunnel has done in one turn. */
interface Turn {
  /** Requests, or millions of bytes. */
  readonly count: number;
  /** Seconds of CPU of the server and of the client. */
  readonly server: number;
  readonly client: number;
}

type Measure = (target: { port: number; host: string }) => Promise<number>;

export const INSPECTED_HEADING = ["", "off: client", "on: client", "client", "server + client"];

/** Measures one tunnel with an inspector that nobody looks at and one without, in turns; returns the rows of a table. */
export async function compareInspected(
  origin: OriginProcess,
  seconds: number,
): Promise<string[][]> {
  await using off = await startTunnel({ origin, clientArgs: ["--inspect", "off"] });
  await using on = await startTunnel({ origin, clientArgs: ["--inspect", "127.0.0.1:0"] });
  const limit = seconds * 4;
  const measures: readonly (readonly [string, Measure])[] = [
    ["small answers, for each", async (target) => {
      const { requests } = await load({ ...target, path: "/" }, {
        connections: CONNECTIONS,
        seconds,
      });
      return requests;
    }],
    [
      "a download, for each MB",
      async (target) =>
        (await download({ ...target, path: `/stream/${LENGTH}` }, LENGTH, limit)).bytes / 1e6,
    ],
    [
      "an upload, for each MB",
      async (target) => (await upload({ ...target, path: "/" }, LENGTH, limit)).bytes / 1e6,
    ],
  ];
  const rows: string[][] = [];
  for (const [name, measure] of measures) {
    printLine(name);
    const turns: (readonly [Turn, Turn])[] = [];
    // The first turn compiles, and does not count.
    for (let turn = 0; turn <= TURNS; turn++) {
      // Whichever comes first in a pair pays for the pause before it.
      const isOffFirst = turn % 2 === 0;
      const first = await turnOf(isOffFirst ? off : on, measure);
      const second = await turnOf(isOffFirst ? on : off, measure);
      if (turn > 0) turns.push(isOffFirst ? [first, second] : [second, first]);
    }
    rows.push([name, ...rowOf(turns)]);
  }
  return rows;
}

async function turnOf({ server, client, host }: Tunnel, measure: Measure): Promise<Turn> {
  const used = () => Promise.all([server.pid, client.pid].map(cpuTime));
  const before = await used();
  const count = await measure({ port: Number(server.url.port), host });
  const after = await used();
  const [serverTime = 0, clientTime = 0] = after.map((time, i) => (time ?? 0) - (before[i] ?? 0));
  return { count, server: serverTime, client: clientTime };
}

function rowOf(turns: readonly (readonly [Turn, Turn])[]): string[] {
  const client = ({ client, count }: Turn) => client / count;
  const both = ({ client, server, count }: Turn) => (client + server) / count;
  const ratio = (cost: (turn: Turn) => number) =>
    median(turns.map(([off, on]) => cost(on) / cost(off))).toFixed(3);
  const cost = (which: 0 | 1) =>
    `${figure(median(turns.map((pair) => client(pair[which]))) * 1e6)} µs`;
  return [cost(0), cost(1), ratio(client), ratio(both)];
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}
