import { Program } from "../testing/program.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { startServer, Tunnel } from "../testing/tunnel.ts";
import { eventually } from "../testing/eventually.ts";
import { CheckedOrigin, CheckedVisits, type VisitCounts } from "./checked_visits.ts";
import { findTool, type SuiteReport } from "./tool.ts";
import { type Toxic, Toxiproxy } from "./toxiproxy_link.ts";

const TOXIPROXY = {
  names: ["toxiproxy-server", "server"],
  install: "go install github.com/Shopify/toxiproxy/v2/cmd/server@latest",
};

/** Seconds that each fault lasts while visitors come; a dead link is found out by silence, after twenty. */
const DURATION = 12;
const DEAD_DURATION = 30;
/** Milliseconds in which the tunnel has to come back by itself: two of the longest waits between attempts, and more. */
const RECOVERY = 45_000;

/** What is done to the link, in the words of Toxiproxy; both ways unless said otherwise. */
const FAULTS: readonly (readonly [name: string, toxics: readonly Toxic[]])[] = [
  ["nothing", []],
  ["latency 100 ms ± 50 ms", both("latency", { latency: 100, jitter: 50 })],
  ["latency 1 s ± 500 ms", both("latency", { latency: 1_000, jitter: 500 })],
  ["bandwidth 100 kB/s", both("bandwidth", { rate: 100 })],
  ["slow_close 2 s", both("slow_close", { delay: 2_000 })],
  ["slicer, 64 bytes, 10 µs", both("slicer", { average_size: 64, size_variation: 32, delay: 10 })],
  ["reset_peer after 1 s", both("reset_peer", { timeout: 1_000 })],
  ["timeout 2 s", both("timeout", { timeout: 2_000 })],
  ["timeout for ever, to the server", [toxic("timeout", "upstream", { timeout: 0 })]],
  ["timeout for ever, to the client", [toxic("timeout", "downstream", { timeout: 0 })]],
  ["limit_data 300 kB", both("limit_data", { bytes: 300_000 })],
  ["limit_data 1 MB and latency", [
    ...both("limit_data", { bytes: 1_000_000 }),
    ...both("latency", { latency: 50, jitter: 50 }),
  ]],
];

/**
 * Puts Toxiproxy between a client and its server, lets visitors come while the link suffers, and checks that each
 * answer is either whole and the visitor's own, or seen to have failed.
 */
export async function toxiproxy(): Promise<SuiteReport> {
  const tool = await findTool(TOXIPROXY);
  const random = new SeededRandom();
  await using origin = CheckedOrigin.start();
  await using server = await startServer();
  await using link = await Toxiproxy.start(tool, Number(server.url.port));
  await using client = await Program.start(
    "client.ts",
    ["--server", link.url, `http://127.0.0.1:${origin.port}`],
  );
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
  const visits = new CheckedVisits(tunnel, origin, random);
  const lines = [
    `${await link.version()}, SEED=${random.seed}`,
    "",
    "| fault | requests | right | refused (5xx) | seen as cut | no answer in 15 s | wrong body | other's answer | cut, looks whole | back after |",
    "| - | - | - | - | - | - | - | - | - | - |",
  ];
  const faults: string[] = [];
  for (const [name, toxics] of [...FAULTS, ["down and up, each second", null] as const]) {
    const { counts, back } = await suffer(link, visits, toxics);
    lines.push(`| ${name} | ${describe(counts)} | ${back === null ? "never" : `${back} ms`} |`);
    if (counts.wrong + counts.others + counts.cutUnseen > 0) {
      faults.push(`${name}: ${describe(counts)}`);
    }
    if (back === null) faults.push(`${name}: the tunnel did not come back within ${RECOVERY} ms`);
  }
  return { lines, faults };
}

/** Lets the link suffer while visitors come; null for toxics is a link that goes down and up. */
async function suffer(
  link: Toxiproxy,
  visits: CheckedVisits,
  toxics: readonly Toxic[] | null,
): Promise<{ readonly counts: VisitCounts; readonly back: number | null }> {
  const isDead = toxics?.some(({ attributes }) => attributes.timeout === 0) ?? false;
  const end = performance.now() + (isDead ? DEAD_DURATION : DURATION) * 1_000;
  const running = visits.run(end);
  if (toxics === null) {
    for (let isUp = false; performance.now() < end; isUp = !isUp) {
      await link.enable(isUp);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await link.enable(true);
  } else {
    for (const toxic of toxics) await link.add(toxic);
  }
  const counts = await running;
  await link.clear();
  const healed = performance.now();
  const isBack = eventually("the tunnel", () => visits.isServed(), RECOVERY);
  const back = await isBack.then(() => Math.round(performance.now() - healed), () => null);
  return { counts, back };
}

function describe(counts: VisitCounts): string {
  const { requests, right, refused, cut, silent, wrong, others, cutUnseen } = counts;
  return [requests, right, refused, cut, silent, wrong, others, cutUnseen].join(" | ");
}

function both(type: string, attributes: Toxic["attributes"]): Toxic[] {
  return [toxic(type, "upstream", attributes), toxic(type, "downstream", attributes)];
}

function toxic(type: string, stream: Toxic["stream"], attributes: Toxic["attributes"]): Toxic {
  return { type, stream, attributes };
}
