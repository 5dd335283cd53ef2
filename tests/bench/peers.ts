import { type FlagValues, integerFlag } from "../../lib/cli/flags.ts";
import { generatorName } from "./load.ts";
import { OriginProcess } from "./origin_process.ts";
import { CONNECTIONS, megabytesFlag } from "./settings.ts";
import { bore } from "./peers/bore.ts";
import { chisel } from "./peers/chisel.ts";
import { Comparison } from "./peers/comparison.ts";
import { direct } from "./peers/direct.ts";
import { frp } from "./peers/frp.ts";
import { delayedLink, loopback } from "./peers/link.ts";
import { machine } from "./machine.ts";
import { FAR, IDLE_MEMORY, LOCAL, PEAK_MEMORY, uncounted, WARM_UP } from "./peers/measurements.ts";
import type { Peer } from "./peers/peer.ts";
import { model } from "./peers/model.ts";
import { piko } from "./peers/piko.ts";
import { Results, type Row } from "./peers/results.ts";
import { ssh } from "./peers/ssh.ts";
import { compiledTunnel, handler, ownListenerTunnel, tunnel } from "./peers/tunnel.ts";
import { runTool } from "../testing/tool.ts";

/** The columns; the second is what the others are compared with. */
const PEERS: readonly Peer[] = [
  direct,
  ssh,
  bore,
  chisel,
  frp,
  piko,
  model,
  tunnel,
  ownListenerTunnel,
  handler,
  compiledTunnel,
];
const REFERENCE = ssh;

/** Milliseconds each way of the long link. */
const DELAY = 50;

const ROWS: readonly Row[] = [
  ...CONNECTIONS.flatMap((connections) => {
    const plural = connections === 1 ? "" : "s";
    return [
      { title: `requests/s, ${connections} connection${plural}`, keys: [`rate, ${connections}`] },
      { title: "– p50 / p99, ms", keys: [`p50, ${connections}`, `p99, ${connections}`] },
    ];
  }),
  { title: "CPU µs per request, 32 connections", keys: ["cpu, 32"] },
  { title: "answers of 100 KB, MB/s", keys: ["middle"] },
  { title: "long download, MB/s", keys: ["download"] },
  { title: "long upload, MB/s", keys: ["upload"] },
  { title: `${DELAY} ms each way: p50 / p99, ms`, keys: ["far p50", "far p99"] },
  { title: "– long download, MB/s", keys: ["far download"] },
  { title: "– long upload, MB/s", keys: ["far upload"] },
  { title: "WebSocket messages/s", keys: ["messages"] },
  { title: "idle memory, MB", keys: ["idle"] },
  { title: "peak memory, MB", keys: ["peak"] },
];

const FLAGS = {
  seconds: integerFlag({
    group: "Bounds",
    help: "how long each thing is measured at most",
    default: 2,
    least: 1,
    most: 600,
  }),
  rounds: integerFlag({
    group: "Bounds",
    help: "rounds that count; the table shows their medians",
    default: 3,
    least: 1,
    most: 100,
  }),
  megabytes: megabytesFlag(400),
};

type Values = FlagValues<typeof FLAGS>;

/** Measures every tunnel that is installed in front of one origin, and prints one table. */
async function main(values: Values): Promise<number> {
  const versions = await Promise.all(PEERS.map((peer) => peer.version()));
  const installed = PEERS.filter((_, i) => versions[i] !== null);
  await using origin = await OriginProcess.start();
  const results = new Results(installed.map(({ name }) => name));
  const { seconds, rounds, megabytes } = values;
  const bounds = { seconds, length: megabytes * 1e6, originPort: origin.port };
  const bench = new Comparison(installed, results, bounds);
  const repeated = <T>(value: T): T[] => new Array<T>(rounds).fill(value);
  await bench.run(() => loopback, [
    [IDLE_MEMORY, WARM_UP, ...LOCAL.map(uncounted)],
    ...repeated(LOCAL),
    [PEAK_MEMORY],
  ]);
  await bench.run((owned) => delayedLink(DELAY, owned), [[WARM_UP], ...repeated(FAR)]);

  const date = new Date().toISOString().slice(0, 10);
  console.log(
    `${date}, ${await machine()}, load by ${await generatorName()}, medians of ${rounds} rounds of ` +
      `${seconds} s; in parentheses the ratio to ${REFERENCE.name}.\n`,
  );
  console.log(results.table(ROWS, REFERENCE.name));
  console.log();
  PEERS.forEach(({ name, note }, i) => {
    console.log(`- ${name}: ${versions[i] ?? "left out, since it is not installed"}; ${note}`);
  });
  for (const line of bench.notes) console.log(`- failed: ${line}`);
  return 0;
}

await runTool({
  summary: "Measures this tunnel beside others that are on the PATH.",
  flags: FLAGS,
}, main);
