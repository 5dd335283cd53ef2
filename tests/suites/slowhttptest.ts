import { OriginProcess } from "../bench/origin_process.ts";
import { BehindProxy, type StartProxy } from "../testing/behind_proxy.ts";
import { caddyIn } from "../testing/caddy.ts";
import { eventually } from "../testing/eventually.ts";
import { nginxIn } from "../testing/nginx.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { Prober } from "./prober.ts";
import { findTool, runTool, type SuiteReport } from "./tool.ts";

const SLOWHTTPTEST = { names: ["slowhttptest"], install: "apt-get install slowhttptest" };
const CADDY = { names: ["caddy"], install: "apt-get install caddy" };
const NGINX = { names: ["nginx"], install: "apt-get install nginx" };

/** Connections of an attack, opened at a fifth of them a second. */
const CONNECTIONS = 1_000;
/** Seconds of an attack: more than three times what the proxies wait for a head. */
const DURATION = 40;
/**
 * Bytes of the answer that is read slowly: with 4 MiB and more for each reader it is the system's memory for TCP
 * that runs out (`tcp_mem`), and all of its connections are slow until the answers are in their buffers.
 */
const LARGE = 1024 * 1024;

/** What slowhttptest can do, with its flags. */
const ATTACKS = [
  ["slow heads", "/", ["-H", "-i", "5"]],
  ["slow bodies", "/", ["-B", "-i", "5", "-s", "100000"]],
  ["ranges", "/", ["-R", "-t", "HEAD", "-a", "10", "-b", "3000"]],
  ["slow readers", `/stream/${LARGE}`, ["-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32"]],
] as const;

/** Attacks the server alone, behind Caddy and behind nginx, while somebody else visits the same tunnel. */
export async function slowhttptest(): Promise<SuiteReport> {
  const tool = await findTool(SLOWHTTPTEST);
  await findTool(CADDY);
  await findTool(NGINX);
  await using folder = await TempDir.make();
  await using origin = await OriginProcess.start();
  const lines = [
    "| in front | attack | available | closed | left at the end | probes answered | slowest | server |",
    "| - | - | - | - | - | - | - | - |",
  ];
  const faults: string[] = [];
  for (const [front, startProxy] of fronts(folder.path)) {
    await using place = await startPlace(startProxy, { port: origin.port });
    for (const [attack, path, flags] of ATTACKS) {
      const result = await attackPlace(tool, place, { folder: folder.path, path, flags });
      lines.push(`| ${front} | ${attack} | ${describe(result)} |`);
      if (!result.hasRecovered) faults.push(`${front}, ${attack}: no service afterwards`);
      // What the server alone cannot keep off is what the proxies are there for.
      const isServed = result.failed.length === 0 && result.unavailable === 0;
      if (startProxy !== null && !isServed) {
        faults.push(`${front}, ${attack}: no service: ${result.failed.join("; ")}`);
      }
    }
  }
  return { lines, faults };
}

function* fronts(folder: string): Generator<readonly [string, StartProxy | null]> {
  yield ["nothing", null];
  for (const [name, start] of [["Caddy", caddyIn], ["nginx", nginxIn]] as const) {
    const home = `${folder}/${name}`;
    Deno.mkdirSync(home);
    yield [name, start(home)];
  }
}

/** A tunnel with whatever is in front of its server. */
interface Place extends AsyncDisposable {
  readonly tunnel: Tunnel;
  /** PEM text of what the certificate in front is checked against; null without one. */
  readonly ca: string | null;
}

async function startPlace(
  startProxy: StartProxy | null,
  origin: { readonly port: number },
): Promise<Place> {
  await using started = new AsyncDisposableStack();
  const behind = startProxy && started.use(await BehindProxy.start(startProxy));
  const tunnel = started.use(await (behind?.publish(origin) ?? startTunnel({ origin })));
  const ca = behind && await Deno.readTextFile(behind.authorityFile);
  const owned = started.move();
  return { tunnel, ca, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface Attack {
  readonly folder: string;
  readonly path: string;
  readonly flags: readonly string[];
}

interface AttackResult {
  /** Seconds of the attack in which slowhttptest's own probe got no answer. */
  readonly unavailable: number;
  readonly closed: number;
  readonly left: number;
  readonly probes: number;
  /** Why probes failed, and how often. */
  readonly failed: readonly string[];
  /** Milliseconds. */
  readonly slowest: number;
  /** MiB of the server's memory before, at the most, and behind the attack. */
  readonly memory: readonly number[];
  /** Whether visitors were served once it was over. */
  readonly hasRecovered: boolean;
}

async function attackPlace(tool: string, place: Place, attack: Attack): Promise<AttackResult> {
  const { tunnel } = place;
  const { server } = tunnel;
  const before = await server.memory();
  const prober = new Prober({ url: tunnel.url, port: Number(server.url.port), ca: place.ca });
  const target = `${server.url.origin}/proxy/request/${tunnel.id}${attack.path}`;
  const { output } = await runTool(tool, [
    ...attack.flags,
    ...["-c", `${CONNECTIONS}`, "-r", `${CONNECTIONS / 5}`, "-l", `${DURATION}`, "-p", "5"],
    ...["-u", target, "-g", "-o", `${attack.folder}/report`],
  ], { limit: DURATION + 30 });
  await prober.stop();
  const recovery = eventually("an answer", async () => await prober.visit() === null);
  const hasRecovered = await recovery.then(() => true, () => false);
  const after = await server.memory();
  const csv = await Deno.readTextFile(`${attack.folder}/report.csv`).catch(() => {
    throw new Error(`slowhttptest wrote no report: ${output.slice(-1_000)}`);
  });
  const rows = csv.trim().split("\n").slice(1).map((row) => row.split(",").map(Number));
  const [, closed = 0, , connected = 0] = rows.at(-1) ?? [];
  return {
    unavailable: rows.filter((row) => row[4] === 0).length,
    closed,
    left: connected,
    probes: prober.count,
    failed: [...prober.failures].map(([why, count]) => `${count} × ${why}`),
    slowest: prober.slowest,
    hasRecovered,
    memory: [before?.now, after?.peak, after?.now].map((bytes) =>
      Math.round((bytes ?? 0) / 2 ** 20)
    ),
  };
}

function describe(result: AttackResult): string {
  const { unavailable, closed, left, probes, failed, slowest, memory } = result;
  const lost = failed.length === 0 ? "all" : `not ${failed.join("; ")}`;
  return [
    unavailable === 0 ? "YES throughout" : `NO for ${unavailable} s`,
    `${closed}`,
    `${left}`,
    `${lost} of ${probes}`,
    `${Math.round(slowest)} ms`,
    `${memory.join(" → ")} MiB`,
  ].join(" | ");
}
