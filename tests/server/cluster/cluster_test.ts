import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import type { Bus } from "../../../lib/server/bus/bus.ts";
import { BusMemory, MemoryBus } from "../../../lib/server/bus/memory_bus.ts";
import { RedisBus } from "../../../lib/server/bus/redis_bus.ts";
import { eventually } from "../../testing/eventually.ts";
import type { ScriptedExchange } from "../../testing/scripted_exchange.ts";
import { Pattern } from "../../testing/pattern.ts";
import { RawHTTP, type WholeResponse } from "../../testing/raw_http.ts";
import { hasRedis, RedisServer } from "../../testing/redis_server.ts";
import { parseEcho, SampleOrigin } from "../../testing/sample_origin.ts";
import { ScriptedOrigin } from "../../testing/scripted_origin.ts";
import { TestClient, TestNode } from "../../testing/test_node.ts";
import { WebSocketOrigin } from "../../testing/websocket_origin.ts";
import { openWebSocket } from "../../testing/websocket_peer.ts";
import { echo } from "../../testing/websocket_visit.ts";
import { within } from "../../testing/within.ts";

const MIB = 1024 * 1024;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** How two nodes reach each other. */
interface Way extends AsyncDisposable {
  readonly isDirect: boolean;
  bus(): Promise<Bus>;
}

const WAYS: readonly { name: string; ignore: boolean; open: () => Promise<Way> }[] = [
  { name: "directly", ignore: false, open: () => Promise.resolve(inMemory(true)) },
  { name: "over the bus", ignore: false, open: () => Promise.resolve(inMemory(false)) },
  { name: "over Redis", ignore: !hasRedis, open: overRedis },
];

for (const { name, ignore, open } of WAYS) {
  const test = (title: string, run: (way: Way) => Promise<void>): void => {
    Deno.test({
      name: `Cluster ${title} (${name})`,
      ignore,
      async fn() {
        await using way = await open();
        await run(way);
      },
    });
  };

  test("carries a request from any node to a tunnel at any other, with its body and its visitor's address", async (way) => {
    await using origin = SampleOrigin.start();
    await using pair = await Pair.start(way, origin);
    const { near, far, host } = pair;
    for (const node of [near, far]) {
      const { status, text } = await node.request(
        `POST /echo?a=1 HTTP/1.1\r\nHost: ${host}\r\nX-Mine: yes\r\nContent-Length: 5\r\n\r\nhello`,
      );
      const seen = parseEcho(text);
      assertEquals([status, seen.method, seen.target, seen.length], [200, "POST", "/echo?a=1", 5]);
      const fields = new Map(seen.fields);
      assertEquals([fields.get("x-mine"), fields.get("x-forwarded-for")], ["yes", "127.0.0.1"]);
    }
    assertEquals((await near.get(host, "/status/404")).status, 404);
    assertEquals(
      (await near.request(`HEAD / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, "HEAD")).status,
      200,
    );
    assertEquals(await near.metric('tunnel_node_streams_total{direction="out"}'), 3);
    assertEquals(await far.metric('tunnel_node_streams_total{direction="in"}'), 3);
    assertEquals(await near.metric("tunnel_node_links_direct"), way.isDirect ? 1 : 0);
    assertEquals(await near.metric("tunnel_node_links_bus"), way.isDirect ? 0 : 1);
  });

  test("carries large bodies both ways, byte for byte", async (way) => {
    await using origin = SampleOrigin.start();
    await using pair = await Pair.start(way, origin);
    const length = 20 * MIB;
    const { body } = await pair.near.get(pair.host, `/bytes/${length}`);
    const hash = encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
    assertEquals([body.length, hash], [length, origin.sha256(length)]);

    using visitor = await RawHTTP.open(pair.near.port);
    const pattern = new Pattern();
    const answer = visitor.receiveAll();
    await visitor.send(
      `PUT /echo HTTP/1.1\r\nHost: ${pair.host}\r\nContent-Length: ${length}\r\n\r\n`,
    );
    for (const piece of pattern.pieces(length)) await visitor.send(piece);
    const seen = parseEcho((await answer).text);
    assertEquals([seen.length, seen.sha256], [length, origin.sha256(length)]);
  });

  test("passes each piece of an answer on at once, and tells the origin when the visitor leaves", async (way) => {
    await using origin = SampleOrigin.start();
    await using pair = await Pair.start(way, origin);
    using visitor = await RawHTTP.open(pair.near.port);
    await visitor.send(`GET /sse HTTP/1.1\r\nHost: ${pair.host}\r\n\r\n`);
    const feed = await origin.nextFeed();
    feed.write("data: 1\n\n");
    const { body } = await visitor.receive();
    assertEquals(new TextDecoder().decode(await body.read() ?? undefined), "data: 1\n\n");
    feed.write("data: 2\n\n");
    assertEquals(new TextDecoder().decode(await body.read() ?? undefined), "data: 2\n\n");
    visitor.close();
    await feed.cancelled();
  });

  test("holds an origin back whose visitor reads nothing, and nobody else", async (way) => {
    const length = 200 * MIB;
    const pattern = new Pattern();
    let written = 0;
    await using origin = ScriptedOrigin.start(async (exchange) => {
      if (exchange.target !== "/stalled") {
        return await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }
      await exchange.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
      for (const piece of pattern.pieces(length)) {
        await exchange.write(piece);
        written += piece.length;
      }
    });
    await using pair = await Pair.start(way, origin);
    using stalled = await RawHTTP.open(pair.near.port);
    await stalled.send(`GET /stalled HTTP/1.1\r\nHost: ${pair.host}\r\n\r\n`);
    const { body } = await stalled.receive();
    await untilStill(() => written);
    assertLess(written, 48 * MIB);
    assertEquals((await pair.near.get(pair.host)).text, "ok");
    assert(pattern.matches(0, await body.read() ?? new Uint8Array(1)));
  });

  test("holds a visitor back whose origin reads nothing", async (way) => {
    const head = Promise.withResolvers<ScriptedExchange>();
    await using origin = ScriptedOrigin.start((exchange) => head.resolve(exchange));
    await using pair = await Pair.start(way, origin);
    using visitor = await RawHTTP.open(pair.near.port);
    await visitor.send(
      `PUT / HTTP/1.1\r\nHost: ${pair.host}\r\nContent-Length: ${200 * MIB}\r\n\r\n`,
    );
    let sent = 0;
    const sending = (async () => {
      for (const piece of new Pattern().pieces(200 * MIB)) {
        await visitor.send(piece);
        sent += piece.length;
      }
    })().catch(() => {});
    await within(head.promise, "the head of the upload");
    await untilStill(() => sent);
    assertGreater(sent, 0);
    assertLess(sent, 48 * MIB);
    visitor.close();
    await sending;
  });

  test("carries WebSockets: messages of any size and kind, and how they end", async (way) => {
    await using origin = await WebSocketOrigin.start();
    await using pair = await Pair.start(way, origin);
    const headers = { host: pair.host };
    using visitor = await openWebSocket(`ws://127.0.0.1:${pair.near.port}/`, { headers });
    const { peer } = await origin.next();
    echo(peer);
    visitor.send("text");
    assertEquals(await visitor.next(), "text");
    const large = new Pattern().at(0, 256 * 1024).slice();
    const whole = new Uint8Array(3 * MIB);
    for (let at = 0; at < whole.length; at += large.length) whole.set(large, at);
    visitor.send(whole);
    assertEquals(await visitor.next(), whole);
    for (let i = 0; i < 200; i++) visitor.send(`${i}`);
    assertEquals(await visitor.nextOf(200), Array.from({ length: 200 }, (_, i) => `${i}`));
    peer.close(4001, "enough");
    assertEquals(await visitor.closed, { code: 4001, reason: "enough" });

    using other = await openWebSocket(`ws://127.0.0.1:${pair.near.port}/`, { headers });
    const { peer: farther } = await origin.next();
    other.close(4002, "bye");
    assertEquals(await farther.closed, { code: 4002, reason: "bye" });
  });

  test("answers 504 for an origin without an answer, and goes on", async (way) => {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      if (exchange.target === "/ok") {
        await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }
    });
    await using pair = await Pair.start(way, origin, { serverArgs: ["--timeout", "1s"] });
    assertEquals((await pair.near.get(pair.host, "/never")).status, 504);
    assertEquals((await pair.near.get(pair.host, "/ok")).text, "ok");
  });

  test("has the owner's wishes and the tunnel's limits kept by the node that has it", async (way) => {
    await using origin = SampleOrigin.start();
    await using pair = await Pair.start(way, origin, { clientArgs: ["--basic-auth", "me:secret"] });
    const { near, host } = pair;
    const refused = await near.get(host);
    assertEquals(refused.status, 401);
    assertMatch(refused.head.get("www-authenticate") ?? "", /^Basic /);
    const upload = await near.request(
      `PUT / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\n\r\nhello`,
    );
    assertEquals(upload.status, 401);
    const authorization = `Authorization: Basic ${btoa("me:secret")}`;
    const admitted = await near.request(
      `GET /echo HTTP/1.1\r\nHost: ${host}\r\n${authorization}\r\n\r\n`,
    );
    assertEquals(admitted.status, 200);
    assert(!parseEcho(admitted.text).fields.some(([name]) => name === "authorization"));
  });

  test("has a visitor log in at the node that has the tunnel, and keeps to its longest body", async (way) => {
    await using origin = SampleOrigin.start();
    await using pair = await Pair.start(way, origin, {
      clientArgs: ["--basic-auth", "me:secret", "--login", "--max-body", "100b"],
    });
    const { near, far, host } = pair;
    const page = await near.request(
      `GET /echo HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n\r\n`,
    );
    assertMatch(page.text, /<input type="hidden" name="to" value="\/echo">/);
    const form = "user=me&password=secret&to=%2Fecho";
    const answer = await near.request(
      `POST /.tunnel/login HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${form.length}\r\n` +
        `Content-Type: application/x-www-form-urlencoded\r\n\r\n${form}`,
    );
    assertEquals([answer.status, answer.head.get("location")], [303, "/echo"]);
    const [cookie = ""] = answer.head.get("set-cookie")?.split(";") ?? [];
    const head = `HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\n`;
    for (const node of [near, far]) {
      const { status, text } = await node.request(`GET /echo ${head}\r\n`);
      assertEquals(status, 200);
      assert(!parseEcho(text).fields.some(([name]) => name === "cookie"));
      const long = `Transfer-Encoding: chunked\r\n\r\n65\r\n${"x".repeat(0x65)}\r\n0\r\n\r\n`;
      assertEquals((await node.request(`POST /echo ${head}${long}`)).status, 413);
    }
  });

  test("tells the node that has the tunnel who the visitor is: one may not come, another takes its share and no more", async (way) => {
    await using origin = ScriptedOrigin.start();
    await using pair = await Pair.start(way, origin, {
      serverArgs: ["--trust-proxy", "loopback", "--max-visitor-streams", "1"],
      clientArgs: ["--allow-ip", "192.0.2.0/24"],
    });
    const { near, far, host } = pair;
    const from = (node: TestNode, address: string): Promise<WholeResponse> =>
      within(
        node.request(`GET / HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: ${address}\r\n\r\n`),
        "an answer",
      );
    assertEquals((await from(near, "198.51.100.1")).status, 403);
    assertEquals((await near.get(host)).status, 403);
    const answers = [from(near, "192.0.2.1")];
    const first = await origin.next();
    for (const node of [near, far]) {
      const { status, head } = await from(node, "192.0.2.1");
      assertEquals([status, head.get("retry-after")], [429, "1"]);
    }
    answers.push(from(near, "192.0.2.2"));
    const second = await origin.next();
    for (const exchange of [first, second]) await exchange.answer(OK);
    answers.push(from(near, "192.0.2.1"));
    await (await origin.next()).answer(OK);
    assertEquals((await Promise.all(answers)).map(({ status }) => status), [200, 200, 200]);
    assertEquals(origin.requestCount, 3);
  });
}

interface PairOptions {
  readonly serverArgs?: readonly string[];
  readonly clientArgs?: readonly string[];
}

/** Two nodes, the second of which has a tunnel. */
class Pair implements AsyncDisposable {
  private constructor(
    readonly near: TestNode,
    readonly far: TestNode,
    readonly client: TestClient,
    readonly owned: AsyncDisposableStack,
  ) {}

  get host(): string {
    return this.client.host;
  }

  static async start(
    way: Way,
    origin: { readonly port: number },
    { serverArgs: args = [], clientArgs = [] }: PairOptions = {},
  ): Promise<Pair> {
    await using started = new AsyncDisposableStack();
    const { isDirect } = way;
    const near = started.use(TestNode.start({ bus: await way.bus(), isDirect, args }));
    const far = started.use(TestNode.start({ bus: await way.bus(), isDirect, args }));
    const client = started.use(await TestClient.connect([far], { origin, args: clientArgs }));
    return new Pair(near, far, client, started.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
  }
}

function inMemory(isDirect: boolean): Way {
  const memory = new BusMemory();
  return {
    isDirect,
    bus: () => Promise.resolve(new MemoryBus(memory)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function overRedis(): Promise<Way> {
  const redis = await RedisServer.start();
  return {
    isDirect: false,
    bus: () => RedisBus.connect(redis.url, { domain: "localhost" }),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** Resolves when a number has not changed between several looks. */
async function untilStill(read: () => number): Promise<void> {
  let last = read();
  let same = 0;
  await eventually("the flow to stop", () => {
    const now = read();
    same = now === last && now > 0 ? same + 1 : 0;
    last = now;
    return same >= 20;
  });
}
