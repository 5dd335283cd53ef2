import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { eventually } from "../testing/eventually.ts";
import { coded, frameOf, joined, openingOf, u32 } from "../testing/frame_peer.ts";
import { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { HTTP2_PREFACE, http2Get, http2Reset } from "../testing/raw_http2.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { ScriptedServer } from "../testing/scripted_server.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { turn } from "../testing/turn.ts";

const { Data, HTTPRequest, HTTPResponse, Ping, Pong, Reset, Window } = FrameType;

const KIB = 1024;
const MIB = 1024 * KIB;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HEAD = "200\r\n";

/** Bytes by which a process may grow under a flood: what is garbage waits for its collector, whatever the flood brings. */
const FLAT = 250 * MIB;

Deno.test("a client that answers streams of other clients is ended, and their visitors get their own answers", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const waiting = Array.from({ length: 20 }, (_, i) => tunnel.request(`/${i}`));
  const exchanges = await Promise.all(waiting.map(() => origin.next()));
  for (let id = 1; id <= 64; id++) {
    using other = await Subscriber.register(tunnel.server);
    const head = frameOf(HTTPResponse, { stream: id, payload: HEAD });
    other.frames.sendBytes(joined(head, frameOf(Data, { stream: id, flags: 1, payload: "evil" })));
    assertEquals((await other.disconnected()).code, ErrorCode.Protocol);
  }
  for (const exchange of exchanges) {
    const { target } = exchange;
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
  }
  const answers = await Promise.all(waiting);
  assertEquals(answers.map(({ text }) => text), answers.map((_, i) => `/${i}`));
});

Deno.test("a hundred thousand frames that mean nothing take no memory and disturb nobody", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  // A stream that is over, whose frames are ignored; each is 14 bytes or more on the wire.
  const stream = await cancelledStream(tunnel, client);
  const frames: Readonly<Record<string, Uint8Array>> = {
    "pongs": frameOf(Pong, { payload: "12345678" }),
    "credits": frameOf(Window, { stream, payload: u32(1) }),
    "resets": frameOf(Reset, { stream, payload: coded(ErrorCode.Cancelled) }),
    "heads": frameOf(HTTPResponse, { stream, payload: HEAD }),
    "pieces of a body": frameOf(Data, { stream, payload: "x" }),
  };
  for (const [name, frame] of Object.entries(frames)) {
    await t.step(name, async () => {
      const message = joined(...Array.from({ length: 10_000 }, () => frame));
      await assertFlat(tunnel.server, async () => {
        for (let i = 0; i < 10; i++) client.frames.sendBytes(message);
        for (let i = 0; i < 20; i++) await assertWorks(tunnel);
        await assertAlive(client);
      });
    });
  }
});

Deno.test("a client that pings and reads no pongs is ended, and nothing is kept for it", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  const pings = joined(
    ...Array.from({ length: 10_001 }, () => frameOf(Ping, { payload: "12345678" })),
  );
  client.frames.sendBytes(pings);
  assertEquals((await client.disconnected()).code, ErrorCode.Protocol);
  assertEquals(client.frames.take().filter(({ type }) => type === Pong).length, 0);
  await assertWorks(tunnel);
});

Deno.test("visitors that open and leave at once leave no stream and no request behind", async () => {
  const VISITS = 1_000;
  await using origin = ScriptedOrigin.start((exchange) => exchange.hangUp());
  await using tunnel = await startTunnel({ origin });
  const visit = async (): Promise<void> => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/"));
  };
  await assertFlat(tunnel.server, async () => {
    for (let i = 0; i < VISITS / 50; i++) await Promise.all(Array.from({ length: 50 }, visit));
    await assertNoStreams(tunnel.server);
  });
});

Deno.test("HTTP/2 streams that are opened and reset at once (CVE-2023-44487) leave nothing behind", async (t) => {
  await using origin = ScriptedOrigin.start((exchange) =>
    exchange.target === "/well" ? exchange.answer(OK) : exchange.hangUp()
  );
  await using tunnel = await startTunnel({ origin, serverArgs: ["--timeout", "3s"] });
  for (const batch of [1, 100]) {
    await t.step(`${batch} at a time`, async () => {
      await assertFlat(tunnel.server, async () => {
        using visitor = await tunnel.open();
        await visitor.send(HTTP2_PREFACE);
        const answers = visitor.readToEnd().catch(() => "");
        for (let first = 0; first < RESETS; first += batch) {
          const ids = Array.from({ length: batch }, (_, i) => 2 * (first + i) + 1);
          const opened = joined(...ids.map((id) => http2Get(id, tunnel.host)));
          const reset = joined(...ids.map((id) => http2Reset(id)));
          try {
            await visitor.send(opened);
            // So that some of them are on their way to the origin already.
            if (batch > 1) await turn();
            await visitor.send(reset);
          } catch {
            // The server has ended the connection, which is its right.
            break;
          }
        }
        visitor.close();
        await answers;
        // Each of them has Host, so that one that was reset is carried until the origin hangs up.
        await eventually(
          "the streams to end",
          async () => (await scrape(tunnel.server)).value("tunnel_streams") < 100,
        );
        const { text } = await tunnel.request("/well");
        assertEquals(text, "ok");
      });
      await assertNoStreams(tunnel.server);
      assertLess(origin.connectionCount, RESETS / 2);
    });
  }
});

/** HTTP/2 streams that are opened only to be reset. */
const RESETS = 5_000;

Deno.test("a server that opens and resets streams at once reaches no origin", async () => {
  const STREAMS = 10_000;
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await ScriptedServer.start();
  const starting = Program.start("client.ts", [
    ...["--server", `http://127.0.0.1:${server.port}`, "--connections", "1"],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ]);
  const frames = await server.nextRegistered();
  await using client = await starting;
  await assertFlat(client, async () => {
    for (let stream = 1; stream < STREAMS; stream += 1_000) {
      frames.sendBytes(joined(
        ...Array.from({ length: 1_000 }, (_, i) => {
          const id = stream + i;
          return joined(
            frameOf(HTTPRequest, {
              stream: id,
              flags: FrameFlag.EndStream,
              payload: openingOf(1_000),
            }),
            frameOf(Reset, { stream: id, payload: coded(ErrorCode.Cancelled) }),
          );
        }),
      ));
    }
    frames.send(Ping, { payload: "12345678" });
    await frames.skipTo(Pong);
  });
  assertEquals(origin.connectionCount, 0);
  frames.send(HTTPRequest, {
    stream: STREAMS + 1_000,
    flags: FrameFlag.EndStream,
    payload: openingOf(1_000),
  });
  await frames.skipTo(HTTPResponse);
  assertEquals(origin.connectionCount, 1);
});

Deno.test("a client that answers nothing gets a thousand requests and no more; the rest are 503, and others go on", async () => {
  const MAX_STREAMS = 1_000;
  const MORE = 20;
  await using origin = ScriptedOrigin.answering(OK);
  const serverArgs = ["--max-visitor-streams", `${MAX_STREAMS}`];
  await using tunnel = await startTunnel({ origin, serverArgs });
  using client = await Subscriber.register(tunnel.server);
  using visitors = new DisposableStack();
  for (let i = 0; i < MAX_STREAMS; i++) {
    const visitor = visitors.use(await RawHTTP.open(Number(tunnel.server.url.port)));
    await visitor.send(get(client.host));
  }
  // The server may ask for signs of life meanwhile.
  const requests = () => client.frames.frames.filter(({ type }) => type === HTTPRequest).length;
  await eventually("all of them to be at the client", () => requests() >= MAX_STREAMS);
  for (let i = 0; i < MORE; i++) {
    using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
    const { status, head } = await visitor.exchange(get(client.host));
    assertEquals(status, 503);
    assertGreater(Number(head.get("retry-after")), 0);
    await assertWorks(tunnel);
  }
  assertEquals(requests(), MAX_STREAMS);
});

Deno.test("an endless download at full speed keeps neither its own tunnel nor another from answering", async () => {
  await using server = await startServer();
  await using loud = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target !== "/endless") return await exchange.answer(OK);
    await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    const piece = new Uint8Array(MIB);
    for (;;) await exchange.write(piece);
  });
  await using quiet = ScriptedOrigin.answering(OK);
  await using first = await startTunnel({ origin: loud, server });
  await using second = await startTunnel({ origin: quiet, server });
  using visitor = await first.open();
  await visitor.send(first.write("/endless"));
  const { body } = await visitor.receive();
  let isOver = false;
  let bytes = 0;
  const reading = (async () => {
    while (!isOver) bytes += (await body.read())?.length ?? 0;
  })();
  // A failure closes the connection under it, and must not be hidden by that.
  reading.catch(() => {});
  await assertFlat(server, async () => {
    for (let i = 0; i < 40; i++) {
      await assertWorks(first);
      await assertWorks(second);
    }
  });
  isOver = true;
  await reading;
  assertGreater(bytes, MIB);
});

Deno.test("a client that goes on after a cancel is heard by nobody, and takes no memory", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin });
  using client = await Subscriber.register(tunnel.server);
  const stream = await cancelledStream(tunnel, client);
  const piece = frameOf(Data, { stream, payload: new Uint8Array(64 * KIB) });
  const message = joined(...Array.from({ length: 4 }, () => piece));
  const messages = 6_000;
  await assertFlat(tunnel.server, async () => {
    for (let i = 0; i < messages; i++) {
      client.frames.sendBytes(message);
      // So that no more than this waits in the test; more often would be a flood of pings.
      if (i % 400 === 0) await assertAlive(client);
    }
    // What comes over a socket is garbage at once, of which V8 lets more gather than elsewhere.
  }, messages * message.length / 3);
  await assertWorks(tunnel);
});

Deno.test("a request of 10 KiB that waits takes less than 1 MiB", async () => {
  const REQUESTS = 200;
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  await assertWorksOnce(tunnel, origin);
  using visitors = new DisposableStack();
  const before = await held(tunnel);
  for (let i = 0; i < REQUESTS; i++) {
    const visitor = visitors.use(await tunnel.open());
    await visitor.send(tunnel.write("/", { fields: [["X", "x".repeat(10 * KIB)]] }));
  }
  for (let i = 0; i < REQUESTS; i++) await origin.next();
  assertLess(await held(tunnel) - before, REQUESTS * MIB);
});

/** Opens a stream to that client whose visitor leaves, and returns its id once the server has reset it. */
async function cancelledStream(
  tunnel: Tunnel,
  client: Subscriber & { readonly host: string },
): Promise<number> {
  using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
  await visitor.send(get(client.host));
  const { stream } = await client.frames.next(HTTPRequest);
  visitor.close();
  await client.frames.next(Reset);
  return stream;
}

/** Runs a flood and checks that the process holds hardly more after it. */
async function assertFlat(
  program: Program,
  flood: () => Promise<void>,
  most = FLAT,
): Promise<void> {
  const before = await program.memory();
  await flood();
  const after = await program.memory();
  if (before !== null && after !== null) assertLess(after.now - before.now, most);
}

async function assertNoStreams(server: Program): Promise<void> {
  await eventually("the streams to be over", async () => {
    return (await scrape(server)).value("tunnel_streams") === 0;
  });
}

/** Checks that the well-behaved tunnel was not touched. */
async function assertWorks(tunnel: Tunnel): Promise<void> {
  const { status, text } = await tunnel.request("/");
  assertEquals([status, text], [200, "ok"]);
  assertEquals(tunnel.connections, 1, "the client had to connect again");
}

async function assertWorksOnce(tunnel: Tunnel, origin: ScriptedOrigin): Promise<void> {
  const response = tunnel.request("/");
  await (await origin.next()).answer(OK);
  assertEquals((await response).status, 200);
}

/** Checks that a session is there and has taken all that it was sent. */
async function assertAlive({ frames }: Subscriber): Promise<void> {
  frames.send(Ping, { payload: "12345678" });
  await frames.skipTo(Pong);
}

async function held({ server, client }: Tunnel): Promise<number> {
  const memories = await Promise.all([server.memory(), client.memory()]);
  return memories.reduce((sum, memory) => sum + (memory?.now ?? 0), 0);
}

function get(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
}
