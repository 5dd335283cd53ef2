import config from "../../deno.json" with { type: "json" };
import { choiceFlag, type FlagValues } from "../../lib/cli/flags.ts";
import { printLine } from "../../lib/cli/program.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { cpuTime } from "./cpu_time.ts";
import { compareInspected, INSPECTED_HEADING } from "./inspected.ts";
import { generatorName, load, type Target } from "./load.ts";
import { OriginProcess } from "./origin_process.ts";
import { machine } from "./machine.ts";
import {
  CONNECTIONS,
  megabytesFlag,
  MIDDLE,
  MIDDLE_CONNECTIONS,
  SECONDS,
  TRANSFER_FACTOR,
} from "./settings.ts";
import { figure, markdownTable } from "./table.ts";
import { download, type Transfer, upload } from "./transfer.ts";
import { runTool } from "../testing/tool.ts";

const FLAGS = {
  seconds: SECONDS,
  megabytes: megabytesFlag(400),
  inspect: choiceFlag(["on", "off", "both"], {
    group: "The tunnel",
    help: "whether the client has an inspector; both compares the two in turns",
    default: "on",
  }),
};

type Values = FlagValues<typeof FLAGS>;

/** Measures the tunnel beside its origin reached directly, and prints one table. */
async function main(values: Values): Promise<number> {
  await using origin = await OriginProcess.start();
  const { seconds, megabytes, inspect } = values;
  if (inspect === "both") {
    const rows = await compareInspected(origin, seconds);
    console.log(`${await conditions(seconds)}\n`);
    console.log(markdownTable(INSPECTED_HEADING, rows));
    return 0;
  }
  const place = inspect === "off" ? "off" : "127.0.0.1:0";
  await using tunnel = await startTunnel({ origin, clientArgs: ["--inspect", place] });
  const bench = new Bench(origin, tunnel, seconds);
  const rows: string[][] = [];
  for (const connections of CONNECTIONS) rows.push(await bench.smallAnswers(connections));
  rows.push(await bench.middleAnswers());
  rows.push(await bench.transfer("download", megabytes * 1e6));
  rows.push(await bench.transfer("upload", megabytes * 1e6));
  console.log(`${await conditions(seconds)}\n`);
  console.log(markdownTable(HEADING, rows));
  return 0;
}

const HEADING = ["", "direct", "tunnel", "p50", "p99", "server CPU", "client CPU"];

/** Runs each measurement against the origin first, then through the tunnel. */
class Bench {
  readonly #tunnel: Tunnel;
  readonly #seconds: number;
  readonly #direct: Omit<Target, "path">;
  readonly #through: Omit<Target, "path">;

  constructor(origin: OriginProcess, tunnel: Tunnel, seconds: number) {
    this.#tunnel = tunnel;
    this.#seconds = seconds;
    this.#direct = { port: origin.port, host: `127.0.0.1:${origin.port}` };
    this.#through = { port: Number(tunnel.server.url.port), host: tunnel.host };
  }

  async smallAnswers(connections: number): Promise<string[]> {
    const name = `small answers, ${connections} connection${connections === 1 ? "" : "s"}`;
    return await this.#rate(name, "/", connections, (rate) => `${figure(rate)}/s`);
  }

  async middleAnswers(): Promise<string[]> {
    const name = `answers of ${MIDDLE / 1000} KB, ${MIDDLE_CONNECTIONS} connections`;
    return await this.#rate(
      name,
      `/bytes/${MIDDLE}`,
      MIDDLE_CONNECTIONS,
      (rate) => `${figure(rate * MIDDLE / 1e6)} MB/s`,
    );
  }

  async transfer(direction: "download" | "upload", length: number): Promise<string[]> {
    const name = `one ${direction} of ${length / 1e6} MB`;
    printLine(name);
    const path = direction === "download" ? `/stream/${length}` : "/";
    const run = direction === "download" ? download : upload;
    const limit = this.#seconds * TRANSFER_FACTOR;
    const direct = await run({ ...this.#direct, path }, length, limit);
    const { result, cpu } = await this.#withCpu(() =>
      run({ ...this.#through, path }, length, limit)
    );
    const costs = cpu.map((used) => `${perUnit(used, result.bytes / 1e6)}/MB`);
    return [name, speed(direct), speed(result), "", "", ...costs];
  }

  async #rate(
    name: string,
    path: string,
    connections: number,
    shown: (rate: number) => string,
  ): Promise<string[]> {
    printLine(name);
    const options = { connections, seconds: this.#seconds };
    const direct = await load({ ...this.#direct, path }, options);
    // Compiled code and grown pools are what a server has in all but its first second.
    await load({ ...this.#through, path }, { connections, seconds: 1 });
    const { result, cpu } = await this.#withCpu(() => load({ ...this.#through, path }, options));
    return [
      name,
      shown(direct.requests / direct.seconds),
      shown(result.requests / result.seconds),
      `${figure(result.p50)} ms`,
      `${figure(result.p99)} ms`,
      ...cpu.map((used) => `${perUnit(used, result.requests)}/request`),
    ];
  }

  /** Runs a measurement and tells the seconds of CPU that server and client used for it, where that is known. */
  async #withCpu<T>(run: () => Promise<T>): Promise<{ result: T; cpu: (number | null)[] }> {
    const pids = [this.#tunnel.server.pid, this.#tunnel.client.pid];
    const before = await Promise.all(pids.map(cpuTime));
    const result = await run();
    const after = await Promise.all(pids.map(cpuTime));
    const cpu = after.map((time, i) => {
      const start = before[i] ?? null;
      return time === null || start === null ? null : time - start;
    });
    return { result, cpu };
  }
}

function perUnit(seconds: number | null, count: number): string {
  return seconds === null ? "unknown" : `${figure(seconds * 1e6 / count)} µs`;
}

function speed({ bytes, seconds }: Transfer): string {
  return `${figure(bytes / 1e6 / seconds)} MB/s`;
}

/** Tells when, where and with what it was measured. */
async function conditions(seconds: number): Promise<string> {
  const date = new Date().toISOString().slice(0, 10);
  const { deno, v8 } = Deno.version;
  return `${date}, ${await machine()}, tunnel ${config.version}, Deno ${deno} (V8 ${v8}), ` +
    `load by ${await generatorName()}, ${seconds} s each.`;
}

await runTool({
  summary: "Measures the tunnel beside the same service reached directly.",
  flags: FLAGS,
}, main);
