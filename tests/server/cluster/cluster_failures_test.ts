import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { dialNode } from "../../../lib/server/cluster/node_handshake.ts";
import { eventually } from "../../testing/eventually.ts";
import { FlakyBus } from "../../testing/flaky_bus.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { parseEcho, SampleOrigin } from "../../testing/sample_origin.ts";
import { Link } from "../../testing/link.ts";
import { ScriptedOrigin } from "../../testing/scripted_origin.ts";
import { TestClient, TestNode } from "../../testing/test_node.ts";

/** How long another node's word counts in these tests, in milliseconds: longer than any of them. */
const LEASE = 60_000;

Deno.test("Cluster waits for a tunnel that the node it was on has lost, and finds it on the next", async () => {
  await using scene = new Scene();
  await using origin = SampleOrigin.start();
  const [near, far, third] = [scene.node(), scene.node(), scene.node()];
  const link = Link.start(far.port);
  await using client = await TestClient.connect([link], { origin });
  assertEquals((await near.get(client.host)).status, 200);
  await link[Symbol.asyncDispose]();
  // A request that the node gives to a client which has just gone is lost with it.
  await eventually("the loss", async () => await far.metric("tunnel_connections") === 0);
  const waiting = near.get(client.host);
  await using _again = await TestClient.connect([third], { origin, key: client.key });
  assertEquals((await waiting).status, 200);
});

Deno.test("Cluster waits at no node for a tunnel whose client said farewell, until it is back", async () => {
  await using scene = new Scene({ args: ["--acquire-timeout", "1h"] });
  await using origin = SampleOrigin.start();
  const [near, far, third] = [scene.node(), scene.node(), scene.node()];
  const client = await TestClient.connect([far], { origin });
  for (const node of [near, far]) assertEquals((await node.get(client.host)).status, 200);
  await client.stop();
  // With that timeout a request which waits is never answered in a test.
  for (const node of [far, near, third]) assertEquals((await node.get(client.host)).status, 502);
  await using _again = await TestClient.connect([third], { origin, key: client.key });
  for (const node of [far, near, third]) {
    await eventually("the tunnel", async () => (await node.get(client.host)).status === 200);
  }
});

Deno.test("Cluster asks again elsewhere when a node has no such tunnel: a request without a body is sent again, one with a body gets 503", async () => {
  await using scene = new Scene();
  await using origin = SampleOrigin.start();
  const [near, far, third] = [scene.node(), scene.node(), scene.node()];
  await using client = await TestClient.connect([far], { origin });
  await near.get(client.host);
  // A word that is not true, and is the last one.
  await scene.prefer(third, client.host);
  await eventually("the near node to believe it", async () => {
    const upload = await near.request(
      `PUT /echo HTTP/1.1\r\nHost: ${client.host}\r\nContent-Length: 5\r\n\r\nhello`,
    );
    return upload.status === 503 && upload.head.get("retry-after") === "1";
  });
  assertEquals((await near.get(client.host)).status, 200);
});

Deno.test("Cluster hands a request on once: two nodes that each believe the other has the tunnel answer 502 in the end", async () => {
  await using scene = new Scene({ args: ["--acquire-timeout", "1s"] });
  const [one, two] = [scene.node(), scene.node()];
  const host = `${"a".repeat(52)}.localhost`;
  await scene.bus.announce(idOf(one), [host], LEASE);
  await scene.bus.announce(idOf(two), [host], LEASE);
  const answers = await Promise.all([one.get(host), two.get(host)]);
  assertEquals(answers.map(({ status }) => status), [502, 502]);
  const streams = await one.metric('tunnel_node_streams_total{direction="in"}');
  // One each half second, no storm.
  assertGreater(streams, 0);
  assertLess(streams, 8);
});

Deno.test("Cluster shows strangers at /proxy/node the page of any unknown path", async () => {
  await using scene = new Scene({ isDirect: true });
  const [near, far] = [scene.node(), scene.node()];
  const path = async (target: string, fields: string): Promise<string> => {
    using visitor = await RawHTTP.open(far.port);
    await visitor.send(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${far.port}\r\n${fields}Connection: close\r\n\r\n`,
    );
    return (await visitor.readToEnd()).replace(/^date: .*\r\n/im, "");
  };
  const unknown = await path("/nothing", "");
  assertMatch(unknown, /^HTTP\/1.1 404 /);
  const strange = "A".repeat(43);
  const id = idOf(far);
  await scene.bus.putTicket("B".repeat(43), `${idOf(near)} somebody-else`, LEASE);
  for (const ticket of [strange, "short", "B".repeat(43), `${id}`]) {
    assertEquals(await handshake(far.port, `Bearer ${ticket}`), 404);
  }
  assertEquals(await path("/proxy/node", ""), unknown);
  assertEquals(await path("/proxy/node", `Authorization: Bearer ${strange}\r\n`), unknown);
});

Deno.test("Cluster takes a ticket once", async () => {
  await using scene = new Scene({ isDirect: true });
  const [near, far] = [scene.node(), scene.node()];
  await using origin = SampleOrigin.start();
  await using client = await TestClient.connect([far], { origin });
  assertEquals((await near.get(client.host)).status, 200);
  const pair = { from: idOf(near), to: idOf(far) };
  const ticket = "C".repeat(43);
  await scene.bus.putTicket(ticket, `${pair.from} ${pair.to}`, LEASE);
  const { signal } = new AbortController();
  // As a node does it, with a ticket of its own.
  const { connection } = await dialNode(far.url, { bus: scene.bus, ...pair, signal });
  connection.close();
  assertEquals(await handshake(far.port, `Bearer ${ticket}`), 101);
  assertEquals(await handshake(far.port, `Bearer ${ticket}`), 404);
});

Deno.test("Cluster goes over the bus when a node cannot be reached directly", async () => {
  await using scene = new Scene({ args: ["--node-url", "http://127.0.0.1:9"] });
  await using origin = SampleOrigin.start();
  const [near, far] = [scene.node(), scene.node()];
  await using client = await TestClient.connect([far], { origin });
  assertEquals((await near.get(client.host)).status, 200);
  assertEquals(await near.metric("tunnel_node_links_bus"), 1);
  assert(near.lines.some((line) => line.includes("cannot be reached directly")));
});

for (const isDirect of [true, false]) {
  const way = isDirect ? "directly" : "over the bus";

  Deno.test(`Cluster lets a node that stops finish what others sent it, and sends the rest elsewhere (${way})`, async () => {
    await using scene = new Scene({ isDirect });
    await using origin = SampleOrigin.start();
    const [near, far, third] = [scene.node(), scene.node(), scene.node()];
    await using client = await TestClient.connect([far, third], { origin });
    await scene.prefer(far, client.host);
    using visitor = await RawHTTP.open(near.port);
    await visitor.send(`GET /sse HTTP/1.1\r\nHost: ${client.host}\r\n\r\n`);
    const feed = await origin.nextFeed();
    feed.write("data: 1\n\n");
    const { body } = await visitor.receive();
    await body.read();

    const stopping = far.stop();
    for (let i = 0; i < 20; i++) assertEquals((await near.get(client.host)).status, 200);
    feed.write("data: 2\n\n");
    assertEquals(new TextDecoder().decode(await body.read() ?? undefined), "data: 2\n\n");
    feed.close();
    assertEquals(await body.read(), null);
    await stopping;
    assertEquals((await near.get(client.host)).status, 200);
  });
}

Deno.test("Cluster without its bus serves its own tunnels and those it has a direct link to, says so, and catches up", async () => {
  await using scene = new Scene({ isDirect: true, args: ["--acquire-timeout", "500ms"] });
  await using origin = SampleOrigin.start();
  const [near, far] = [scene.node(), scene.node()];
  await using own = await TestClient.connect([near], { origin });
  await using there = await TestClient.connect([far], { origin });
  await using idle = await TestClient.connect([far], { origin });
  assertEquals((await near.get(there.host)).status, 200);
  assertEquals((await near.get("127.0.0.1", "/readyz")).text, "ready\n");

  scene.set(false);
  assertEquals((await near.get(own.host)).status, 200);
  assertEquals((await near.get(there.host)).status, 200);
  const refused = await near.get(idle.host);
  assertEquals([refused.status, refused.head.get("retry-after")], [502, "1"]);
  const ready = await near.get("127.0.0.1", "/readyz");
  assertEquals([ready.status, ready.text], [200, "ready\nbus: away\n"]);
  assertEquals(await near.metric("tunnel_bus_up"), 0);
  await using late = await TestClient.connect([far], { origin });

  scene.set(true);
  await eventually("the bus to know everything again", async () => {
    return (await near.get(idle.host)).status === 200 && (await near.get(late.host)).status === 200;
  });
  assertEquals((await near.get("127.0.0.1", "/readyz")).text, "ready\n");
  const said = near.lines.filter((line) => /the bus is (?:away|back)/.test(line));
  assertEquals(said.length, 2);
});

Deno.test("Cluster ends a link over the bus when a message is lost, and the next request has another", async () => {
  await using scene = new Scene({ args: ["--acquire-timeout", "2s"] });
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target === "/never") return;
    await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const [near, far] = [scene.node(), scene.node()];
  await using client = await TestClient.connect([far], { origin });
  assertEquals((await near.get(client.host)).status, 200);
  const never = near.get(client.host, "/never");
  await eventually("the request to be there", () => origin.requestCount === 2);
  const [bus] = scene.buses;
  if (bus !== undefined) bus.toLose = 1;
  const next = await near.get(client.host);
  assertEquals([(await never).status, next.status], [502, 502]);
  assertEquals((await near.get(client.host)).status, 200);
  assert(near.lines.some((line) => line.includes("the bus has lost messages")));
});

Deno.test("Cluster answers the page that asks for certificates for tunnels of other nodes too", async () => {
  await using scene = new Scene();
  await using origin = SampleOrigin.start();
  const [near, far] = [scene.node(), scene.node()];
  await using client = await TestClient.connect([far], { origin });
  const name = client.host.split(":")[0];
  const ask = (name: string) => near.get("127.0.0.1", `/proxy/ask?domain=${name}`);
  assertEquals((await ask(name ?? "")).status, 200);
  assertEquals((await ask(`${"b".repeat(52)}.localhost`)).status, 404);
});

Deno.test("Cluster sends a head that came from another node on as it was", async () => {
  await using scene = new Scene();
  await using origin = SampleOrigin.start();
  const [near, far] = [scene.node(), scene.node()];
  await using client = await TestClient.connect([far], { origin });
  const { text } = await near.get(client.host, "/echo?a=%2F..//%zz");
  const seen = parseEcho(text);
  assertEquals(seen.target, "/echo?a=%2F..//%zz");
  assertEquals(new Map(seen.fields).get("host"), client.host);
});

interface SceneOptions {
  readonly isDirect?: boolean;
  readonly args?: readonly string[];
}

/** Nodes that share a bus, which the test can take away from them. */
class Scene implements AsyncDisposable {
  readonly #memory = new BusMemory();
  readonly #owned = new AsyncDisposableStack();
  readonly #options: SceneOptions;
  /** Each node's bus. */
  readonly buses: FlakyBus[] = [];
  /** The test's own. */
  readonly bus = new MemoryBus(this.#memory);

  constructor(options: SceneOptions = {}) {
    this.#options = options;
  }

  node(): TestNode {
    const bus = new FlakyBus(new MemoryBus(this.#memory));
    this.buses.push(bus);
    return this.#owned.use(TestNode.start({ ...this.#options, bus }));
  }

  /** Takes the bus from every node, or gives it back. */
  set(isUp: boolean): void {
    for (const bus of this.buses) bus.set(isUp);
  }

  /** Makes a node the one that others ask first for a tunnel. */
  async prefer(node: TestNode, host: string): Promise<void> {
    await this.bus.announce(idOf(node), [host.split(":")[0] ?? ""], LEASE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

function idOf({ server }: TestNode): string {
  if (server.node === null) throw new Error("a node without a bus");
  return server.node;
}

/** Asks for a WebSocket between nodes and returns the status of the answer. */
async function handshake(port: number, authorization: string): Promise<number> {
  using visitor = await RawHTTP.open(port);
  await visitor.send([
    "GET /proxy/node HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${btoa("0123456789abcdef")}`,
    "Sec-WebSocket-Protocol: tunnel-node.v1",
    `Authorization: ${authorization}`,
    "",
    "",
  ].join("\r\n"));
  return (await visitor.receive()).status;
}
