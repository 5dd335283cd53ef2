import type { FlagValues } from "../../lib/cli/flags.ts";
import { printLine, ProgramError } from "../../lib/cli/program.ts";
import { freePort } from "../testing/free_port.ts";
import { Program } from "../testing/program.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { cpuTime } from "./cpu_time.ts";
import { generatorName, load, type Target } from "./load.ts";
import { OriginProcess } from "./origin_process.ts";
import {
  CONNECTIONS,
  megabytesFlag,
  MIDDLE,
  MIDDLE_CONNECTIONS,
  SECONDS,
  TRANSFER_FACTOR,
} from "./settings.ts";
import { figure, markdownTable } from "./table.ts";
import { download, upload } from "./transfer.ts";
import { runTool } from "../testing/tool.ts";

/** Seconds of a load that is not measured. */
const WARM_UP = 2;

const FLAGS = {
  seconds: SECONDS,
  megabytes: megabytesFlag(200),
};

type Values = FlagValues<typeof FLAGS>;

/** Measures a request at the node that has the tunnel beside one at another node, and prints one table. */
async function main(values: Values): Promise<number> {
  if (!hasRedis) throw new ProgramError("redis-server is not on the PATH", 1);

  const { seconds, megabytes } = values;
  await using owned = new AsyncDisposableStack();
  const origin = owned.use(await OriginProcess.start());
  const redis = owned.use(await RedisServer.start());
  const start = async (isDirect: boolean) =>
    owned.use(await Nodes.start({ redis, origin, isDirect }));
  const direct = await start(true);
  const indirect = await start(false);
  const ways = [direct.atHome, direct.away, indirect.away];

  const rows: string[][] = [];
  const rate = async (name: string, path: string, connections: number, unit: Unit) => {
    printLine(name);
    const cells: Measured[] = [];
    for (const way of ways) cells.push(await way.rate(path, connections, seconds));
    rows.push(row(name, cells, unit));
  };
  for (const connections of CONNECTIONS) {
    const name = `small answers, ${connections} connection${connections === 1 ? "" : "s"}`;
    await rate(name, "/", connections, { shown: (value) => `${figure(value)}/s`, per: "request" });
  }
  await rate(
    `answers of ${MIDDLE / 1000} KB, ${MIDDLE_CONNECTIONS} connections`,
    `/bytes/${MIDDLE}`,
    MIDDLE_CONNECTIONS,
    { shown: (value) => `${figure(value * MIDDLE / 1e6)} MB/s`, per: "request" },
  );
  for (const direction of ["download", "upload"] as const) {
    const name = `one ${direction} of ${megabytes} MB`;
    printLine(name);
    const cells: Measured[] = [];
    for (const way of ways) {
      cells.push(await way.transfer(direction, megabytes * 1e6, seconds * TRANSFER_FACTOR));
    }
    rows.push(row(name, cells, { shown: (value) => `${figure(value)} MB/s`, per: "MB" }));
  }
  const versions = `Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores`;
  console.log(`${versions}, ${seconds} s each, requests by ${await generatorName()}\n`);
  console.log(markdownTable(HEADING, rows));
  return 0;
}

const HEADING = [
  "",
  ...["one node", "two, directly", "ratio", "two, through Redis", "ratio"],
  ...["p50 one", "p50 directly", "p50 Redis", "CPU one", "CPU directly", "CPU Redis"],
];

interface Unit {
  readonly shown: (value: number) => string;
  /** What the CPU time is told for. */
  readonly per: string;
}

/** What one way of reaching the tunnel was worth. */
interface Measured {
  /** Requests, or millions of bytes, a second. */
  readonly value: number;
  /** Milliseconds; null for a long body. */
  readonly p50: number | null;
  /** Seconds of the nodes' CPU, Redis included, for one of what is counted. */
  readonly cpu: number;
}

function row(name: string, [one, direct, redis]: readonly Measured[], unit: Unit): string[] {
  if (one === undefined || direct === undefined || redis === undefined) return [name];
  const all = [one, direct, redis];
  return [
    name,
    unit.shown(one.value),
    unit.shown(direct.value),
    (direct.value / one.value).toFixed(2),
    unit.shown(redis.value),
    (redis.value / one.value).toFixed(2),
    ...all.map(({ p50 }) => p50 === null ? "" : `${p50.toFixed(2)} ms`),
    ...all.map(({ cpu }) => `${figure(cpu * 1e6)} µs/${unit.per}`),
  ];
}

/** A node at which requests arrive, and what works for them. */
class Way {
  readonly #target: Omit<Target, "path">;
  readonly #pids: readonly number[];

  constructor(node: Program, host: string, pids: readonly number[]) {
    this.#target = { port: Number(node.url.port), host };
    this.#pids = pids;
  }

  async rate(path: string, connections: number, seconds: number): Promise<Measured> {
    const target = { ...this.#target, path };
    // Compiled code and grown pools are what a server has in all but its first second.
    await load(target, { connections, seconds: WARM_UP });
    const before = await this.#cpu();
    const { requests, p50, ...took } = await load(target, { connections, seconds });
    const cpu = (await this.#cpu() - before) / requests;
    return { value: requests / took.seconds, p50, cpu };
  }

  async transfer(
    direction: "download" | "upload",
    length: number,
    limit: number,
  ): Promise<Measured> {
    const path = direction === "download" ? `/stream/${length}` : "/";
    const run = direction === "download" ? download : upload;
    const before = await this.#cpu();
    const { bytes, seconds } = await run({ ...this.#target, path }, length, limit);
    const megabytes = bytes / 1e6;
    const cpu = (await this.#cpu() - before) / megabytes;
    return { value: megabytes / seconds, p50: null, cpu };
  }

  async #cpu(): Promise<number> {
    const times = await Promise.all(this.#pids.map(cpuTime));
    return times.reduce<number>((sum, time) => sum + (time ?? NaN), 0);
  }
}

/** Two nodes, one of which has a tunnel. */
class Nodes implements AsyncDisposable {
  private constructor(
    /** To the node that has it. */
    readonly atHome: Way,
    /** To the other one. */
    readonly away: Way,
    readonly owned: AsyncDisposableStack,
  ) {}

  static async start(
    { redis, origin, isDirect }: {
      readonly redis: RedisServer;
      readonly origin: OriginProcess;
      readonly isDirect: boolean;
    },
  ): Promise<Nodes> {
    await using started = new AsyncDisposableStack();
    const node = async (): Promise<Program> => {
      const port = freePort();
      const url = ["--node-url", `http://127.0.0.1:${port}`];
      const args = ["--hostname", "127.0.0.1", "--port", `${port}`, "--bus", redis.url];
      return started.use(await Program.start("server.ts", [...args, ...isDirect ? url : []]));
    };
    const [near, far] = [await node(), await node()];
    const client = started.use(
      await Program.start("client.ts", [
        ...["--server", far.url.origin, "--host", "127.0.0.1", "--port", `${origin.port}`],
      ]),
    );
    const { host } = client.url;
    const atHome = new Way(far, host, [far.pid]);
    const away = new Way(near, host, [near.pid, far.pid, redis.pid]);
    return new Nodes(atHome, away, started.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
  }
}

await runTool({
  summary: "Measures one node beside two, which reach each other directly or through Redis.",
  flags: FLAGS,
}, main);
