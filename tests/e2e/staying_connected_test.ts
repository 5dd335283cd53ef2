import { assert, assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free_port.ts";
import { Link } from "../testing/link.ts";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import { Program, ProgramError } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import {
  startClient,
  startServer,
  startServerAt,
  startThrough,
  startTunnel,
  Tunnel,
} from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Milliseconds in which a silent peer is found dead: 20 s without traffic, the next beat, and what a busy machine adds. */
const FOUND_DEAD_WITHIN = 26_000;

/** Milliseconds in which a request succeeds that waits for nobody's death: far less than the 5 s after which a client that does not answer is given up. */
const AT_ONCE = 3_000;

/** Requests one after the other, enough to meet each of a tunnel's connections. */
const ROUNDS = 20;

Deno.test("The same URL works again by itself after the server was killed", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using first = await startServer();
  await using tunnel = await startTunnel({ origin, server: first });
  const { port } = first.url;
  await assertWorks(tunnel);
  await first.stop("SIGKILL");
  await using _second = await startServerAt(port);
  await eventually("the tunnel to come back", () => works(tunnel));
  await assertWorks(tunnel);
  assertEquals(tunnel.client.stdout.all, [tunnel.url.origin], "the URL is printed once");
});

Deno.test("A client that is restarted with its key has the same URL", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  await using folder = await TempDir.make();
  const clientArgs = ["--key", `${folder.path}/key.pem`];
  const urls = new Set<string>();
  for (const signal of ["SIGKILL", "SIGTERM", "SIGINT"] as const) {
    await using tunnel = await startTunnel({ origin, server, clientArgs });
    await assertWorks(tunnel);
    urls.add(tunnel.url.href);
    await tunnel.client.stop(signal);
  }
  assertEquals(urls.size, 1);
});

Deno.test("A new client with the same key takes over at once from a frozen one", async () => {
  await using frozenOrigin = ScriptedOrigin.answering(OK);
  await using freshOrigin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  await using folder = await TempDir.make();
  const clientArgs = ["--key", `${folder.path}/key.pem`];
  await using frozen = await startTunnel({ origin: frozenOrigin, server, clientArgs });
  await assertWorks(frozen);
  frozen.client.signal("SIGSTOP");
  {
    await using fresh = await startTunnel({ origin: freshOrigin, server, clientArgs });
    assertEquals(fresh.url, frozen.url);
    await assertWorks(fresh);
    assertEquals(freshOrigin.requestCount, ROUNDS);

    // The old one is not in the way either when it wakes up.
    frozen.client.signal("SIGCONT");
    await assertWorks(fresh);
    await fresh.client.stop("SIGTERM");
  }
  await eventually("the first client to serve again", () => works(frozen));
});

Deno.test("A client that waits for its server connects once it is there", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  const port = freePort();
  const nobody = Deno.listen({ hostname: "127.0.0.1", port });
  const starting = startClient(port, origin);
  // It has tried in vain once at least before there is a server.
  const attempt = await within(nobody.accept(), "an attempt to connect");
  attempt.close();
  nobody.close();
  await using server = await startServerAt(port);
  await using client = await starting;
  await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
  await assertWorks(tunnel);
});

Deno.test("A client that is told to stop finishes what is in flight and exits with status 0", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(signal, async () => {
      await using origin = slowOrigin();
      // What waits for the client would not be answered in a test.
      await using tunnel = await startTunnel({ origin, serverArgs: ["--acquire-timeout", "1h"] });
      const { exchange, response } = await beginSlow(tunnel, origin);
      tunnel.client.signal(signal);
      // It sends its Disconnect at once: what is new is told that the client is not connected.
      await eventually("502", async () => (await tunnel.request("/new")).status === 502);
      await exchange.answer(OK);
      assertEquals((await response).text, "ok");
      assertEquals((await within(tunnel.client.status, "the client's end")).code, 0);
      const { status, text } = await tunnel.request("/new");
      assertEquals(status, 502);
      assert(/away|not connected/.test(text), text);
    });
  }
});

Deno.test("A server that is told to stop finishes what is in flight and exits with status 0", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(signal, async () => {
      await using origin = slowOrigin();
      await using first = await startServer();
      await using tunnel = await startTunnel({ origin, server: first });
      const { exchange, response } = await beginSlow(tunnel, origin);
      first.signal(signal);
      await eventually("503", async () => (await readiness(first)) === 503);
      // What comes before it listens no more is served as ever.
      await assertWorks(tunnel);
      await exchange.answer(OK);
      assertEquals((await response).text, "ok");
      assertEquals((await within(first.status, "the server's end")).code, 0);
      // The client goes on to the next server at the same place.
      await using _second = await startServerAt(first.url.port);
      await eventually("the tunnel to come back", () => works(tunnel));
      assertEquals(tunnel.client.stdout.all.length, 1);
    });
  }
});

Deno.test("A client with --once exits with status 0 when its connection ends", async (t) => {
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await t.step(`after ${signal} of the server`, async () => {
      await using origin = ScriptedOrigin.answering(OK);
      await using tunnel = await startTunnel({ origin, clientArgs: ["--once"] });
      await assertWorks(tunnel);
      await tunnel.server.stop(signal);
      assertEquals((await within(tunnel.client.status, "the client's end")).code, 0);
    });
  }
});

Deno.test("A client with --once exits with status 1 when it was never registered", async () => {
  const server = `http://127.0.0.1:${freePort()}`;
  const error = await assertRejects(
    () => Program.start("client.ts", ["--once", "--server", server]),
    ProgramError,
  );
  assertEquals(error.code, 1);
});

// The stories of silence take half a minute each, so they are told at the same time.
Deno.test("Silence", async (t) => {
  const step = (name: string, fn: () => Promise<void>) =>
    t.step({ name, fn, sanitizeOps: false, sanitizeResources: false, sanitizeExit: false });
  await Promise.all([
    step("a dead link is noticed by both sides, and the client connects again", deadLink),
    step("A frozen server is noticed, and works again when it wakes up", frozenServer),
    step("Pings keep an idle tunnel and an idle WebSocket up", idle),
    step("A stopping client waits 10 s at most for what is in flight", endlessDownload),
  ]);
});

async function deadLink(): Promise<void> {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  await using link = Link.start(Number(server.url.port));
  await using tunnel = await startThrough(link, server, origin);
  await assertWorks(tunnel);
  const before = link.connectionCount;
  link.forget();
  await eventually(
    "the client to connect again",
    () => link.connectionCount >= before * 2,
    FOUND_DEAD_WITHIN,
  );
  await eventually("the tunnel to come back", () => works(tunnel), AT_ONCE);
  await assertWorks(tunnel);
  assertEquals(tunnel.client.stdout.all.length, 1);
  // The server has dropped the dead ones as well.
  await eventually(
    "the server to forget the dead connections",
    async () => (await scrape(server)).value("tunnel_connections") === before,
    FOUND_DEAD_WITHIN,
  );
}

async function frozenServer(): Promise<void> {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer();
  await using link = Link.start(Number(server.url.port));
  await using tunnel = await startThrough(link, server, origin);
  await assertWorks(tunnel);
  const before = link.connectionCount;
  server.signal("SIGSTOP");
  await eventually(
    "the client to try again",
    () => link.connectionCount > before,
    FOUND_DEAD_WITHIN,
  );
  server.signal("SIGCONT");
  await eventually("the tunnel to come back", () => works(tunnel));
  await assertWorks(tunnel);
}

async function idle(): Promise<void> {
  /** Milliseconds without traffic after which a ping is due: 10 s, the next beat, and what a busy machine adds. */
  const PING_WITHIN = 15_000;
  /** More than it takes to be found dead. */
  const PINGS = 3;
  await using origin = await WebSocketOrigin.start();
  await using server = await startServer();
  await using link = Link.start(Number(server.url.port));
  await using tunnel = await startThrough(link, server, origin);
  using visitor = await openWebSocket(`ws://127.0.0.1:${server.url.port}/`, {
    headers: { host: tunnel.host },
  });
  using accepted = (await origin.next()).peer;
  const { connectionCount } = link;
  for (let ping = 0; ping < PINGS; ping++) {
    const before = link.forwarded;
    await eventually("a ping", () => link.forwarded > before, PING_WITHIN);
    // The others are due at about the same time; what they say is not the next ping.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
  visitor.send("still here");
  assertEquals(await accepted.next(), "still here");
  accepted.send("so am I");
  assertEquals(await visitor.next(), "so am I");
  assertEquals(link.connectionCount, connectionCount, "the client connected again");
}

async function endlessDownload(): Promise<void> {
  /** Milliseconds: the 10 s that are allowed, and what a busy machine adds. */
  const STOPPED_WITHIN = 14_000;
  await using origin = slowOrigin();
  await using tunnel = await startTunnel({ origin });
  const { exchange, response } = await beginSlow(tunnel, origin);
  const cut = assertRejects(() => response);
  await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe rest never comes");
  tunnel.client.signal("SIGTERM");
  const { code } = await within(tunnel.client.status, "the client's end", STOPPED_WITHIN);
  assertEquals(code, 0);
  await cut;
}

/** An origin that leaves `/slow` to the test and answers everything else. */
function slowOrigin(): ScriptedOrigin {
  return ScriptedOrigin.start(async (exchange) => {
    if (exchange.target !== "/slow") await exchange.answer(OK);
  });
}

/** Sends a request that the test answers, and waits until it is at the origin. */
async function beginSlow(tunnel: Tunnel, origin: ScriptedOrigin) {
  const response = tunnel.request("/slow");
  let exchange: ScriptedExchange;
  do exchange = await origin.next(); while (exchange.target !== "/slow");
  return { exchange, response };
}

/** Checks that one request after the other succeeds, each at once. */
async function assertWorks(tunnel: Tunnel): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const { status, text } = await within(tunnel.request("/"), "an answer", AT_ONCE);
    assertEquals([status, text], [200, "ok"]);
  }
}

async function works(tunnel: Tunnel): Promise<boolean> {
  return (await tunnel.request("/")).status === 200;
}

/** Asks a server whether it is to be given requests. */
async function readiness(server: Program): Promise<number> {
  using visitor = await RawHTTP.open(Number(server.url.port));
  const request = `GET /readyz HTTP/1.1\r\nHost: ${server.url.host}\r\n\r\n`;
  return (await visitor.exchange(request)).status;
}
