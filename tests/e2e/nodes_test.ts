import { assert, assertEquals, assertLess } from "@std/assert";
import { Balancer } from "./balancer.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { Program } from "../testing/program.ts";
import { RawHTTP, type WholeResponse } from "../testing/raw_http.ts";
import { hasRedis, RedisServer } from "../testing/redis_server.ts";
import { MixedOrigin, MixedVisits } from "./mixed_visits.ts";
import { type LoadReport, SteadyLoad } from "../testing/steady_load.ts";
import { startClient } from "../testing/tunnel.ts";

/** Requests a second at a tunnel while something is killed. */
const RATE = 100;

/** The same while nodes are restarted. */
const ROLLING_RATE = 500;

/** What the origin's page contains. */
const EXPECTED = "It works";

/** Milliseconds in which a tunnel must be found again: its client waits for half a second at least before it comes back. */
const FOUND_AGAIN = 8_000;

function test(title: string, run: () => Promise<void>): void {
  Deno.test({ name: title, ignore: !hasRedis, fn: run });
}

for (const isDirect of [true, false]) {
  const way = isDirect ? "directly" : "through Redis alone";

  test(`A request at one node reaches a client at another ${way}`, async () => {
    await using nodes = await Nodes.start(2, { isDirect });
    const [near, far] = nodes.all;
    const host = await nodes.connect(nodes.portOf(far));
    const { status, text } = await get(nodes.portOf(near), host);
    assertEquals([status, text.includes(EXPECTED)], [200, true]);
    const { text: metrics } = await get(nodes.portOf(near), "127.0.0.1", "/metrics");
    assert(metrics.includes(`tunnel_node_links_${isDirect ? "direct" : "bus"} 1\n`));
  });

  test(`A node out of three that is killed takes its own clients' requests with it for seconds, and nobody else's (${way})`, async () => {
    await using address = Balancer.start();
    await using nodes = await Nodes.start(3, { isDirect, publicUrl: address.url });
    const [one, two, three] = nodes.all;
    address.ports = [two, one, three].map((node) => nodes.portOf(node));
    const own = await nodes.connect(nodes.portOf(one));
    const there = await nodes.connect(nodes.portOf(three));
    const moving = await nodes.connect(address.port);
    const visit = (host: string) => load(nodes.portOf(one), host);
    await using atHome = visit(own);
    await using elsewhere = visit(there);
    await using hit = visit(moving);
    await made(200, atHome, elsewhere, hit);

    const killed = performance.now();
    await two?.stop("SIGKILL");
    await eventually("the killed node's client to be found elsewhere", async () => {
      return (await get(nodes.portOf(three), moving)).status === 200;
    });
    const back = performance.now() - killed;
    await made(200, atHome, elsewhere, hit);
    const reports = await Promise.all([atHome.stop(), elsewhere.stop(), hit.stop()]);
    tell(`kill -9 of a node (${way}), found again after ${Math.round(back)} ms`, killed, reports);
    assertEquals([reports[0]?.failed, reports[1]?.failed], [0, 0]);
    assertLess(back, FOUND_AGAIN);
  });

  test(`Two nodes behind one address are restarted one after the other: no request, upload, download or WebSocket fails (${way})`, async () => {
    await using address = Balancer.start();
    await using nodes = await Nodes.start(2, { isDirect, publicUrl: address.url });
    const [one, two] = nodes.all;
    const ports = [nodes.portOf(one), nodes.portOf(two)];
    address.ports = ports;
    const host = await nodes.connect(address.port);
    // The address gives each next visit to the next node.
    let visits = 0;
    const port = () => address.ports[visits++ % address.ports.length] ?? 0;
    await warmUp(port, host);
    await using pages = SteadyLoad.start({ rate: ROLLING_RATE, port, host, expected: EXPECTED });
    await using mixed = MixedVisits.start({ port, host });
    await made(ROLLING_RATE, pages);
    const began = performance.now();
    for (const [at, node] of [one, two].entries()) {
      const port = ports[at] ?? 0;
      // An operator takes a node out of the address before it is stopped, and in again once it is ready.
      address.ports = ports.filter((each) => each !== port);
      await node?.stop();
      await nodes.add(port);
      await eventually("the new node to be ready", async () => {
        return (await get(port, "127.0.0.1", "/readyz")).text === "ready\n";
      });
      address.ports = ports;
      await made(ROLLING_RATE, pages);
    }
    const [report, others] = await Promise.all([pages.stop(), mixed.stop()]);
    tell(`rolling two nodes (${way}) at ${report.rate} requests/s`, began, [report]);
    console.log(others);
    assertEquals([report.failed, report.reasons], [0, {}]);
    for (const { made, failed } of Object.values(others)) {
      assertEquals([failed, made > 0], [0, true]);
    }
  });
}

test("A node is replaced by a process beside it on the same ports: no request that comes by another node fails", async () => {
  const args = ["--reuse-port", "--client-port", `${freePort()}`];
  await using nodes = await Nodes.start(1, { isDirect: true });
  const [near] = nodes.all;
  const old = await nodes.add(freePort(), args);
  const host = await nodes.connect(Number(args.at(-1)));
  const port = () => nodes.portOf(near);
  await warmUp(port, host);
  await using pages = SteadyLoad.start({ rate: RATE, port, host, expected: EXPECTED });
  await using mixed = MixedVisits.start({ port, host });
  await made(RATE, pages);
  const began = performance.now();
  await nodes.add(nodes.portOf(old), args);
  await old.stop();
  await made(3 * RATE, pages);
  const [report, others] = await Promise.all([pages.stop(), mixed.stop()]);
  tell("replacing a node's process", began, [report]);
  console.log(others);
  assertEquals([report.failed, report.reasons], [0, {}]);
  for (const { made, failed } of Object.values(others)) assertEquals([failed, made > 0], [0, true]);
});

test("Redis that is killed takes nothing from a node's own tunnels and from direct links, and what comes later is known once it is back", async () => {
  await using nodes = await Nodes.start(2, { isDirect: true });
  const [one, two] = nodes.all;
  const own = await nodes.connect(nodes.portOf(one));
  const there = await nodes.connect(nodes.portOf(two));
  await using atHome = load(nodes.portOf(one), own);
  await using elsewhere = load(nodes.portOf(one), there);
  await made(200, atHome, elsewhere);

  const killed = performance.now();
  await nodes.redis.kill();
  await eventually("the node to say so", async () => {
    return (await get(nodes.portOf(one), "127.0.0.1", "/readyz")).text === "ready\nbus: away\n";
  });
  const late = await nodes.connect(nodes.portOf(two));
  await made(400, atHome, elsewhere);
  await nodes.redis.start();
  await eventually("the late one to be found", async () => {
    return (await get(nodes.portOf(one), late)).status === 200;
  });
  assertEquals((await get(nodes.portOf(one), "127.0.0.1", "/readyz")).text, "ready\n");
  const reports = await Promise.all([atHome.stop(), elsewhere.stop()]);
  tell("kill -9 of Redis", killed, reports);
  assertEquals(reports.map(({ failed }) => failed), [0, 0]);
});

test("Redis that stands still holds up neither a node's own tunnels nor those that have a direct link", async () => {
  await using nodes = await Nodes.start(2, { isDirect: true });
  const [one, two] = nodes.all;
  const own = await nodes.connect(nodes.portOf(one));
  const there = await nodes.connect(nodes.portOf(two));
  await using atHome = load(nodes.portOf(one), own);
  await using elsewhere = load(nodes.portOf(one), there);
  await made(200, atHome, elsewhere);
  const frozen = performance.now();
  nodes.redis.freeze();
  await made(500, atHome, elsewhere);
  nodes.redis.thaw();
  await made(200, atHome, elsewhere);
  const reports = await Promise.all([atHome.stop(), elsewhere.stop()]);
  tell("Redis frozen", frozen, reports);
  assertEquals(reports.map(({ failed }) => failed), [0, 0]);
});

test("A node starts without Redis, serves its own tunnels and is one of several once Redis is there", async () => {
  await using nodes = await Nodes.start(0, { isDirect: false });
  await nodes.redis.kill();
  const [one, two] = [await nodes.add(), await nodes.add()];
  const host = await nodes.connect(nodes.portOf(two));
  assertEquals((await get(nodes.portOf(two), host)).status, 200);
  assertEquals((await get(nodes.portOf(two), "127.0.0.1", "/readyz")).text, "ready\nbus: away\n");
  await nodes.redis.start();
  await eventually("the other node to find it", async () => {
    return (await get(nodes.portOf(one), host)).status === 200;
  });
});

interface NodesOptions {
  readonly isDirect: boolean;
  /** What clients and visitors are told. @default one that leads nowhere */
  readonly publicUrl?: string;
}

/** Servers of one domain, each a process, with Redis between them, one origin and some clients. */
class Nodes implements AsyncDisposable {
  readonly all: Program[] = [];
  readonly #owned: AsyncDisposableStack;
  readonly #ports = new Map<Program, number>();
  readonly #options: NodesOptions;

  private constructor(
    readonly redis: RedisServer,
    readonly origin: MixedOrigin,
    options: NodesOptions,
    owned: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#owned = owned;
  }

  static async start(count: number, options: NodesOptions): Promise<Nodes> {
    await using started = new AsyncDisposableStack();
    const redis = started.use(await RedisServer.start());
    const origin = started.use(MixedOrigin.start());
    const nodes = new Nodes(redis, origin, options, started.move());
    try {
      for (let i = 0; i < count; i++) await nodes.add();
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
    return nodes;
  }

  /** Starts another node, at a port of its own or at the one given. */
  async add(port = freePort(), args: readonly string[] = []): Promise<Program> {
    const { isDirect, publicUrl = "http://localhost:6519" } = this.#options;
    const node = this.#owned.use(
      await Program.start("server.ts", [
        ...[
          "--hostname",
          "127.0.0.1",
          "--bus",
          this.redis.url,
          "--port",
          `${port}`,
          "--public-url",
          publicUrl,
        ],
        ...isDirect ? ["--node-url", `http://127.0.0.1:${port}`] : [],
        ...args,
      ]),
    );
    this.all.push(node);
    this.#ports.set(node, port);
    return node;
  }

  portOf(node: Program | undefined): number {
    const port = node && this.#ports.get(node);
    if (port === undefined) throw new Error("no such node");
    return port;
  }

  /** Starts a client with a key of its own that connects to a port, and returns its host. */
  async connect(port: number): Promise<string> {
    const client = this.#owned.use(await startClient(port, this.origin));
    return client.url.host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

async function get(port: number, host: string, target = "/"): Promise<WholeResponse> {
  using visitor = await RawHTTP.open(port);
  return await visitor.exchange(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
}

function load(port: number, host: string): SteadyLoad {
  return SteadyLoad.start({ rate: RATE, port: () => port, host, expected: EXPECTED });
}

/** Visits gently at first: what a process compiles in its first second is no matter of a restart. */
async function warmUp(port: () => number, host: string): Promise<void> {
  await using load = SteadyLoad.start({ rate: RATE, port, host, expected: EXPECTED });
  await made(3 * RATE, load);
}

/** Resolves when each load has made so many requests more. */
async function made(count: number, ...loads: readonly SteadyLoad[]): Promise<void> {
  await Promise.all(loads.map((load) => load.more(count)));
}

/** Shows what became of the loads, since figures say more than that a test has passed. */
function tell(what: string, since: number, reports: readonly LoadReport[]): void {
  for (const { made, failed, failures, reasons, slowest } of reports) {
    const last = failures.at(-1);
    const until = last === undefined ? "" : ` until ${Math.round(last.began - since)} ms after it`;
    console.log(`${what}: ${failed} of ${made} failed${until}`, reasons, `slowest ${slowest} ms`);
  }
}
