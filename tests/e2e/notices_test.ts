import { assertEquals, assertStringIncludes } from "@std/assert";
import { FEATURES } from "../../lib/wire/features.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { decodeNotice, type RefusedVisitors } from "../../lib/wire/notice.ts";
import { BusMemory, MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { eventually } from "../testing/eventually.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { SampleOrigin } from "../testing/sample_origin.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";
import { startServer, startTunnel } from "../testing/tunnel.ts";

/** One request an hour passes. */
const RATE_LIMIT = ["--rate-limit", "1/h"];

for (
  const [where, count] of [["its own node", 1], ["another node", 2]] as const
) {
  Deno.test(`A client is told which visitors were refused, who had come to ${where}`, async () => {
    await using origin = SampleOrigin.start();
    const memory = new BusMemory();
    await using owned = new AsyncDisposableStack();
    const nodes = Array.from(
      { length: count },
      () => owned.use(TestNode.start({ bus: new MemoryBus(memory), args: RATE_LIMIT })),
    );
    const told: (readonly [server: string, refused: readonly RefusedVisitors[]])[] = [];
    await using client = await TestClient.connect(nodes.slice(0, 1), {
      origin,
      onNotice: (server, refused) => told.push([server, refused]),
    });
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await nodes.at(-1)?.get(client.host))?.status);
    assertEquals(statuses, [200, 429, 429, 429]);
    const total = () =>
      told.flatMap(([, refused]) => refused).reduce((sum, { count }) => sum + count, 0);
    await eventually("all refusals to be told", () => total() === 3);
    for (const [server, refused] of told) {
      assertEquals(server, nodes[0]?.url);
      assertEquals(refused.map(({ status, reason }) => [status, reason]), [[429, "rate"]]);
    }
  });
}

Deno.test("A client is told of visitors whom no other frame tells it of", async () => {
  await using origin = SampleOrigin.start();
  await using node = TestNode.start({
    bus: new MemoryBus(new BusMemory()),
    args: ["--max-body", "10"],
  });
  const told: RefusedVisitors[] = [];
  await using client = await TestClient.connect([node], {
    origin,
    onNotice: (_server, refused) => told.push(...refused),
  });
  const head = `POST / HTTP/1.1\r\nHost: ${client.host}\r\nContent-Length: 11\r\n\r\n`;
  assertEquals((await node.request(`${head}hello world`)).status, 413);
  await eventually("the refusal to be told", () => told.length === 1);
  assertEquals(told, [{ status: 413, reason: "body", count: 1 }]);
});

Deno.test("A client without the feature gets no Notice, and one with it gets its own tunnel's alone", async () => {
  await using server = await startServer(RATE_LIMIT);
  using old = await Subscriber.register(server);
  using fresh = await Subscriber.register(server, { features: FEATURES });
  using other = await Subscriber.register(server, { features: FEATURES });
  for (const { host } of [old, fresh]) {
    for (let i = 0; i < 2; i++) {
      using visitor = await RawHTTP.open(Number(server.url.port));
      await visitor.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      // The first waits for an answer of its client.
      if (i === 1) assertEquals((await visitor.receiveAll()).status, 429);
    }
  }
  const { payload } = await fresh.frames.skipTo(FrameType.Notice);
  assertEquals(decodeNotice(payload).refused, [{ status: 429, reason: "rate", count: 1 }]);
  for (const { frames } of [old, other]) {
    frames.send(FrameType.Ping, { payload: "12345678" });
    await eventually("a Pong", () => frames.frames.some(({ type }) => type === FrameType.Pong));
    assertEquals(frames.takeNames().includes("Notice"), false);
  }
});

Deno.test("The owner's terminal tells of visitors who send a GET with a body, and what to do", async () => {
  await using origin = SampleOrigin.start();
  await using tunnel = await startTunnel({ origin });
  for (let i = 0; i < 2; i++) {
    const { status, text } = await tunnel.request("/_search", { body: '{"query":{}}' });
    assertEquals(status, 400);
    assertStringIncludes(text, "POST");
  }
  const line = await tunnel.client.stderr.find(/GET or HEAD with a body.*/);
  assertStringIncludes(line?.[0] ?? "", "POST");
  assertEquals((await tunnel.request("/", { method: "POST", body: "{}" })).status, 200);
});

Deno.test("A client is told of visitors whom the node that they came to has refused", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => await exchange.hangUp());
  const memory = new BusMemory();
  const args = ["--max-body", "10", "--max-head", "2000", "--timeout", "1s"];
  await using first = TestNode.start({ bus: new MemoryBus(memory), args });
  await using other = TestNode.start({ bus: new MemoryBus(memory), args });
  const told: RefusedVisitors[] = [];
  await using client = await TestClient.connect([first], {
    origin,
    onNotice: (_server, refused) => told.push(...refused),
  });
  const host = `Host: ${client.host}`;
  const requests = [
    `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 11\r\n\r\nhello world`,
    `GET /${"x".repeat(3_000)} HTTP/1.1\r\n${host}\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}\r\nContent-Length: 2\r\n\r\n{}`,
  ];
  const statuses = [];
  for (const request of requests) statuses.push((await other.request(request)).status);
  assertEquals(statuses, [413, 431, 504, 400]);
  await eventually("all refusals to be told", () => told.length === statuses.length);
  const sorted = told.map(({ status, reason, count }) => `${status} ${reason} ${count}`).toSorted();
  assertEquals(sorted, ["400 get-body 1", "413 body 1", "431 head 1", "504 timeout 1"]);
});
