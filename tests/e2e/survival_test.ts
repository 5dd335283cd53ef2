import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import type { ScriptedExchange } from "../testing/scripted_exchange.ts";
import type { Program } from "../testing/program.ts";
import { ownPage } from "../testing/prometheus.ts";
import { InspectorCalls } from "../testing/inspector_calls.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Milliseconds after which a request is given up: its connection may wait for a listener that is gone. */
const GIVEN_UP_AFTER = 5_000;

/** Only Linux can lower a limit of a process that runs. */
const isLinux = Deno.build.os === "linux";

Deno.test({
  name: "a server outlives more sockets than it has file descriptors, and serves again after",
  ignore: !isLinux,
  fn: async () => {
    await using origin = ScriptedOrigin.answering(OK);
    await using tunnel = await startTunnel({ origin });
    await limitDescriptors(tunnel.server, 128);
    for (let round = 0; round < 2; round++) {
      const opened = await exhaust(tunnel.server);
      for (const socket of opened) socket.close();
      // Closed sockets that wait to be accepted may cost the listener once more.
      await eventually("the server to serve again for good", async () => {
        for (let i = 0; i < 20; i++) if (!await works(tunnel)) return false;
        return true;
      });
    }
    assertEquals((await ownPage(tunnel.server, "/healthz")).status, 200);
    assertEquals((await tunnel.server.stop()).code, 0);
  },
});

Deno.test({
  name: "Requests that are under way go on while the server has no file descriptors left",
  ignore: !isLinux,
  fn: async () => {
    await using origin = ScriptedOrigin.start();
    await using tunnel = await startTunnel({ origin });
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/"));
    const exchange = await origin.next();
    await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const { body } = await visitor.receive();
    await limitDescriptors(tunnel.server, 64);
    const opened = await exhaust(tunnel.server);
    for (let i = 0; i < 10; i++) {
      await exchange.write("4\r\nmore\r\n");
      assertEquals(await body.readText(4), "more");
    }
    for (const socket of opened) socket.close();
    await exchange.answer("0\r\n\r\n");
    assertEquals((await body.readAll()).length, 0);
  },
});

Deno.test({
  name: "A client outlives more requests than it has file descriptors, and serves again after",
  ignore: !isLinux,
  fn: async () => {
    const REQUESTS = 200;
    let isStalled = true;
    const stalled: ScriptedExchange[] = [];
    await using origin = ScriptedOrigin.start(async (exchange) => {
      if (isStalled) stalled.push(exchange);
      else await exchange.answer(OK);
    });
    await using tunnel = await startTunnel({ origin });
    const inspector = await InspectorCalls.of(tunnel.client);
    await limitDescriptors(tunnel.client, 64);
    const answers = Promise.all(Array.from({ length: REQUESTS }, () => tunnel.request("/")));
    // Those for which no connection can be made fail at once; the others wait for the origin.
    await eventually("the client to run out of descriptors", () => stalled.length > 20);
    const look = inspector.list("limit=1").catch(() => []);
    isStalled = false;
    for (const exchange of stalled) await exchange.answer(OK);
    for (const { status } of await answers) assert(status === 200 || status === 502, `${status}`);
    await eventually("the client to serve again", () => works(tunnel));
    for (let i = 0; i < 20; i++) assert(await works(tunnel));
    await look;
    await eventually("the inspector to answer", async () => (await inspector.list()).length > 0);
    assertNotMatch(`${tunnel.client.stderr}`, /not connected/);
  },
});

Deno.test("two clients never see each other's requests", async () => {
  const REQUESTS = 1_000;
  /** Requests that are under way at once, for each tunnel. */
  const LANES = 20;
  const random = new SeededRandom();
  await using server = await startServer();
  await using stack = new AsyncDisposableStack();
  const start = async (name: string) => {
    const origin = stack.use(ScriptedOrigin.start((exchange) => {
      const body = `${name} ${exchange.target}`;
      return exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }));
    return { name, origin, tunnel: stack.use(await startTunnel({ origin, server })) };
  };
  const a = await start("a");
  const b = await start("b");
  let next = 0;
  const lane = async () => {
    // One connection carries requests to both, as that of a proxy in front does.
    using visitor = await RawHTTP.open(Number(server.url.port));
    for (let id = next++; id < REQUESTS; id = next++) {
      const { name, tunnel } = random.pick([a, b]);
      const { text } = await visitor.exchange(tunnel.write(`/${id}`));
      assertEquals(text, `${name} /${id}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  assertEquals(a.origin.requestCount + b.origin.requestCount, REQUESTS);
});

Deno.test("a client process that stands still stops no other tunnel", async () => {
  await using server = await startServer();
  await using frozenOrigin = ScriptedOrigin.answering(OK);
  await using origin = ScriptedOrigin.answering(OK);
  await using frozen = await startTunnel({ origin: frozenOrigin, server });
  await using tunnel = await startTunnel({ origin, server });
  frozen.client.signal("SIGSTOP");
  const body = new Uint8Array(2_000_000);
  const waiting = Promise.all([
    ...Array.from({ length: 20 }, () => frozen.request("/")),
    ...Array.from({ length: 10 }, () => frozen.request("/up", { method: "POST", body })),
  ]);
  for (let i = 0; i < 100; i++) {
    const { text } = await within(tunnel.request("/"), "an answer");
    assertEquals(text, "ok");
  }
  frozen.client.signal("SIGCONT");
  for (const { status } of await waiting) assertEquals(status, 200);
});

Deno.test("An origin that misbehaves at random costs the requests that it answers badly, and no other", async () => {
  const REQUESTS = 400;
  const random = new SeededRandom();
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target === "/good") return await exchange.answer(OK);
    const begun = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    await random.pick<() => void | Promise<void>>([
      () => exchange.close(),
      () => exchange.write(random.bytes(2_000)).then(() => exchange.close()),
      () => exchange.write(begun).then(() => exchange.close()),
      () => exchange.write(begun.slice(0, 20)).then(() => exchange.close()),
      () => exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
      () => exchange.write(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}\r\n`),
      () => exchange.write(`${OK}${OK}${OK}`).then(() => exchange.done()),
      () => exchange.hangUp(),
    ])();
  });
  await using tunnel = await startTunnel({ origin, serverArgs: ["--timeout", "1s"] });
  let next = 0;
  const lane = async () => {
    for (let id = next++; id < REQUESTS; id = next++) {
      if (id % 2 === 0) {
        const { status, text } = await tunnel.request("/good");
        assertEquals([status, text], [200, "ok"]);
      } else {
        // A visitor gets an error page, an answer that is cut, or the answer that was there.
        await tunnel.request("/bad").catch(() => {});
      }
    }
  };
  await Promise.all(Array.from({ length: 20 }, lane));
  assertNotMatch(`${tunnel.client.stderr}`, /not connected/);
  assertEquals((await tunnel.request("/good")).status, 200);
});

async function works(tunnel: Tunnel): Promise<boolean> {
  const { status } = await within(tunnel.request("/"), "an answer", GIVEN_UP_AFTER);
  return status === 200;
}

/** Lowers how many files and sockets a process may have open. */
async function limitDescriptors(program: Program, count: number): Promise<void> {
  const args = ["--pid", `${program.pid}`, `--nofile=${count}:${count}`];
  const { success } = await new Deno.Command("prlimit", { args }).output();
  assert(success, "prlimit failed");
}

/** Opens sockets that say nothing, until the server has no descriptor left to accept another with, and says so. */
/** What either listener says when it can accept no connection. */
const FALL = /the listener ended|no connection can be accepted/;

async function exhaust(server: Program): Promise<Deno.TcpConn[]> {
  /** More than the server has descriptors and the system's own queue has room. */
  const MOST = 300;
  const falls = () => server.stderr.all.filter((line) => FALL.test(line)).length;
  const before = falls();
  const opened: Deno.TcpConn[] = [];
  await eventually("the listener to fall", async () => {
    while (opened.length < MOST) {
      const socket = await connect(Number(server.url.port));
      if (socket === null) break;
      opened.push(socket);
    }
    return falls() > before;
  });
  return opened;
}

/** Connects; null when nobody answers, and when nobody listens, as in the moment before the server does so again. */
async function connect(port: number): Promise<Deno.TcpConn | null> {
  /** Milliseconds: on one machine an answer takes none. */
  const ANSWERED_WITHIN = 500;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWERED_WITHIN);
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port, signal: abort.signal });
  } catch (error) {
    if (abort.signal.aborted || error instanceof Deno.errors.ConnectionRefused) return null;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
