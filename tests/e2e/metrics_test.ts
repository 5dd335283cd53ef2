import { assert, assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { newSigningKey } from "../testing/ed25519.ts";
import { eventually } from "../testing/eventually.ts";
import { ownPage, type Scrape, scrape } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Milliseconds that the slow page takes. */
const SLOW = 250;

Deno.test("/healthz and /readyz say that the server is well, with no client too", async (t) => {
  await using server = await startServer();
  for (const path of ["/healthz", "/readyz"]) {
    await t.step(path, async () => {
      assertEquals((await ownPage(server, path)).status, 200);
      using visitor = await RawHTTP.open(Number(server.url.port));
      const head = `HEAD ${path} HTTP/1.1\r\nHost: ${server.url.host}\r\n\r\n`;
      assertEquals((await visitor.exchange(head, "HEAD")).status, 200);
      const post = `POST ${path} HTTP/1.1\r\nHost: ${server.url.host}\r\nContent-Length: 0\r\n\r\n`;
      const { status, head: { fields } } = await visitor.exchange(post);
      assertEquals(status, 405);
      // RFC 9110 section 15.5.6.
      assert(fields.some(([name, value]) => /^allow$/i.test(name) && /\bGET\b/.test(value)));
    });
  }
});

Deno.test("/readyz says that a stopping server wants no new work, while /healthz is still well", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const response = tunnel.request("/");
  const exchange = await origin.next();
  tunnel.server.signal("SIGTERM");
  await eventually(
    "/readyz to be 503",
    async () => (await ownPage(tunnel.server, "/readyz")).status === 503,
  );
  assertEquals((await ownPage(tunnel.server, "/healthz")).status, 200);
  await exchange.answer(OK);
  assertEquals((await response).text, "ok");
  assertEquals((await within(tunnel.server.status, "the server's end")).code, 0);
});

Deno.test("/metrics is Prometheus' text, each metric with its help and type", async () => {
  await using origin = sampleOrigin();
  await using tunnel = await startTunnel({ origin });
  await tunnel.request("/200");
  const { status, head } = await ownPage(tunnel.server, "/metrics");
  assertEquals(status, 200);
  assertMatch(head.get("content-type") ?? "", /^text\/plain; version=0\.0\.4(?:;|$)/);
  const { families } = await scrape(tunnel.server);
  for (
    const [name, type] of [
      ["tunnel_requests_total", "counter"],
      ["tunnel_response_head_seconds", "histogram"],
      ["tunnel_received_bytes_total", "counter"],
      ["tunnel_sent_bytes_total", "counter"],
      ["tunnel_tunnels", "gauge"],
      ["tunnel_connections", "gauge"],
      ["tunnel_streams", "gauge"],
      ["tunnel_registrations_refused_total", "counter"],
    ] as const
  ) assertEquals(families.get(name)?.type, type, name);
});

Deno.test("Requests are counted by the class of their status", async () => {
  await using origin = sampleOrigin();
  await using tunnel = await startTunnel({ origin });
  const classes = ["2xx", "3xx", "4xx", "5xx"];
  const grown = await growth(tunnel, async () => {
    for (const path of ["/200", "/201", "/204", "/302", "/404", "/410", "/500", "/cut"]) {
      await tunnel.request(path);
    }
    // Refused by the server itself.
    await tunnel.request("/", { method: "TRACE" });
    await tunnel.request("/", { host: tunnel.host.replace(tunnel.id, "nobody") });
  }, classes.map((status) => ["tunnel_requests_total", { status }]));
  assertEquals(grown, [3, 1, 4, 2]);
});

Deno.test("Latencies go into buckets that each hold the smaller ones", async () => {
  await using origin = sampleOrigin();
  await using tunnel = await startTunnel({ origin });
  const name = "tunnel_response_head_seconds";
  const [count, sum, fast, all] = await growth(tunnel, async () => {
    for (let i = 0; i < 4; i++) await tunnel.request("/slow");
  }, [
    [`${name}_count`, {}],
    [`${name}_sum`, {}],
    [`${name}_bucket`, { le: "0.1" }],
    [`${name}_bucket`, { le: "+Inf" }],
  ]);
  assertEquals([count, fast, all], [4, 0, 4]);
  assertGreaterOrEqual(sum ?? 0, 4 * SLOW / 1000);
  const family = (await scrape(tunnel.server)).families.get(name);
  const buckets = family?.samples.filter((sample) => sample.name === `${name}_bucket`) ?? [];
  for (const [i, { value, labels }] of buckets.entries()) {
    assertGreaterOrEqual(value, buckets[i - 1]?.value ?? 0);
    assert(bound(labels) > bound(buckets[i - 1]?.labels));
  }
});

Deno.test("Bytes are counted each way", async () => {
  const UP = 300_000;
  const DOWN = 1_000_000;
  /** What frames and heads may add, in parts of the whole. */
  const OVERHEAD = 1.1;
  await using origin = ScriptedOrigin.start(async (exchange) => {
    // An answer that leaves the request unread may be cut off by the end of its connection.
    await exchange.body.readAll();
    await exchange.answer(
      `HTTP/1.1 200 OK\r\nContent-Length: ${DOWN}\r\n\r\n${"x".repeat(DOWN)}`,
    );
  });
  await using tunnel = await startTunnel({ origin });
  const [received = 0, sent = 0] = await growth(tunnel, async () => {
    await tunnel.request("/", { method: "POST", body: new Uint8Array(UP) });
  }, [["tunnel_received_bytes_total", {}], ["tunnel_sent_bytes_total", {}]]);
  assert(received >= DOWN && received < DOWN * OVERHEAD, `${received} bytes received`);
  assert(sent >= UP && sent < UP * OVERHEAD, `${sent} bytes sent`);
});

Deno.test("Tunnels, connections and streams are counted as they come and go", async () => {
  await using server = await startServer();
  await using origin = ScriptedOrigin.start();
  await using sockets = await WebSocketOrigin.start();
  await assertGauges(0, 0, 0);
  await using tunnel = await startTunnel({ origin, server, clientArgs: ["--connections", "3"] });
  await assertGauges(1, 3, 0);
  const response = tunnel.request("/");
  const exchange = await origin.next();
  await assertGauges(1, 3, 1);
  {
    await using other = await startTunnel({
      origin: sockets,
      server,
      clientArgs: ["--connections", "1"],
    });
    await assertGauges(2, 4, 1);
    using _visitor = await openWebSocket(`ws://127.0.0.1:${server.url.port}/`, {
      headers: { host: other.host },
    });
    await assertGauges(2, 4, 2);
  }
  await assertGauges(1, 3, 1);
  await exchange.answer(OK);
  await response;
  await assertGauges(1, 3, 0);

  // The first connection is registered when the URL is printed, the others in the same moment.
  function assertGauges(tunnels: number, connections: number, streams: number): Promise<void> {
    return eventually(
      `${tunnels} tunnels, ${connections} connections, ${streams} streams`,
      async () => {
        const seen = await scrape(server);
        return seen.value("tunnel_tunnels") === tunnels &&
          seen.value("tunnel_connections") === connections &&
          seen.value("tunnel_streams") === streams;
      },
    );
  }
});

Deno.test("Refused registrations are counted by their code", async () => {
  await using server = await startServer();
  const key = await newSigningKey();
  for (
    const wrong of [
      { audience: "https://elsewhere.example" },
      { audience: "https://elsewhere.example" },
      { nonce: "A".repeat(43) },
    ]
  ) {
    using peer = await Subscriber.connect(server);
    await peer.answer(await peer.claim(key, wrong));
  }
  const seen = await scrape(server);
  const refused = (code: string) => seen.value("tunnel_registrations_refused_total", { code });
  assertEquals([refused("wrong_audience"), refused("wrong_nonce"), refused("bad_key")], [2, 1, 0]);
});

type Selector = readonly [name: string, labels: Readonly<Record<string, string>>];

/** Returns by how much each sample grows while something is done, without what looking at them adds. */
async function growth(
  { server }: Tunnel,
  action: () => Promise<void>,
  selectors: readonly Selector[],
): Promise<number[]> {
  const [first, second] = [await scrape(server), await scrape(server)];
  await action();
  const third = await scrape(server);
  const by = (from: Scrape, to: Scrape, [name, labels]: Selector) =>
    to.value(name, labels) - from.value(name, labels);
  return selectors.map((selector) => {
    const whole = by(second, third, selector);
    const isCount = Number.isInteger(whole);
    return isCount ? whole - by(first, second, selector) : whole;
  });
}

/** An origin whose pages are statuses. */
function sampleOrigin(): ScriptedOrigin {
  return ScriptedOrigin.start(async (exchange) => {
    const status = exchange.target.slice(1);
    if (status === "cut") return exchange.close();
    if (status === "slow") await new Promise((resolve) => setTimeout(resolve, SLOW));
    if (status === "slow") return await exchange.answer(OK);
    const length = status === "204" ? "" : "Content-Length: 0\r\n";
    await exchange.answer(`HTTP/1.1 ${status} X\r\n${length}\r\n`);
  });
}

/** Reads a bucket's bound; below all for none. */
function bound(labels: ReadonlyMap<string, string> | undefined): number {
  const text = labels?.get("le");
  return text === undefined ? -Infinity : text === "+Inf" ? Infinity : Number(text);
}
