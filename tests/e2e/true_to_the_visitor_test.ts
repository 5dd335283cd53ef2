import { assertEquals, assertMatch } from "@std/assert";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { BusMemory, MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { toText } from "../testing/latin1.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { ScriptedServer } from "../testing/scripted_server.ts";
import { openingOf } from "../testing/frame_peer.ts";
import { Subscriber } from "../testing/subscriber.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";
import { startClient, startServer, startTunnel } from "../testing/tunnel.ts";

const OWN = ["--listener", "own"];
const HEAD = "200\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const TRAILERS = "X-Sum: 1\r\nx-sum: 2\r\n";
/** What only a head may have (RFC 9110 section 6.5.1). */
const FORBIDDEN = [
  ...["Content-Length: 9", "Transfer-Encoding: gzip", "Host: evil.example", "Set-Cookie: a=b"],
  ...["Authorization: Basic eA==", "X-Forwarded-For: 6.6.6.6", "Content-Type: text/html"],
].map((line) => `${line}\r\n`).join("");
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\nContent-Length: 1\r\n\r\n";
const PASSED_HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const FINE = "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok";

Deno.test("The own listener passes on what is beside heads and bodies", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: OWN });

  await t.step("a reason phrase", async () => {
    for (const phrase of ["Fine", "Caf\xe9 ouvert", "x".repeat(256)]) {
      const [answer] = await Promise.all([
        tunnel.request("/"),
        origin.next().then((exchange) => exchange.answer(FINE.replace("Fine", phrase))),
      ]);
      assertEquals(answer.head.startLine, `HTTP/1.1 200 ${phrase}`);
    }
  });
  await t.step(
    "the usual one in place of none, of one that no status line has, and of an endless one",
    async () => {
      for (const phrase of ["", "O\0K", "x".repeat(257)]) {
        const [answer] = await Promise.all([
          tunnel.request("/"),
          origin.next().then((exchange) => exchange.answer(FINE.replace("Fine", phrase))),
        ]);
        assertEquals(answer.head.startLine, "HTTP/1.1 200 OK");
      }
    },
  );
  await t.step("trailers of an answer, but none of those that only a head has", async () => {
    for (const body of ["", "ok", "x".repeat(200_000)]) {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write("/", { fields: [["TE", "trailers"]] }));
      const exchange = await origin.next();
      assertEquals([exchange.head.get("te"), exchange.head.get("connection")], ["trailers", "te"]);
      await exchange.answer(`${CHUNKED}${chunked(body, TRAILERS + FORBIDDEN)}`);
      const answer = await visitor.receive();
      assertEquals(toText(await answer.body.readAll()), body);
      assertEquals(answer.body.trailers, ["x-sum: 1", "x-sum: 2"]);
    }
  });
  await t.step("trailers of a request, likewise", async () => {
    for (const body of ["", "hello", "x".repeat(300_000)]) {
      using visitor = await tunnel.open();
      const sending = visitor.send(
        `POST /up HTTP/1.1\r\nHost: ${tunnel.host}\r\nTransfer-Encoding: chunked\r\n\r\n` +
          chunked(body, TRAILERS + FORBIDDEN),
      );
      const exchange = await origin.next();
      assertEquals(toText(await exchange.body.readAll()), body);
      assertEquals(exchange.body.trailers, ["x-sum: 1", "x-sum: 2"]);
      assertEquals(exchange.head.has("te"), false);
      await exchange.answer(FINE);
      await sending;
      assertEquals((await visitor.receiveAll()).text, "ok");
    }
  });
  await t.step("no trailers to HTTP/1.0, nor behind an answer without a body", async () => {
    for (const [method, version] of [["GET", "1.0"], ["HEAD", "1.1"]]) {
      using visitor = await tunnel.open();
      await visitor.send(
        `${method} / HTTP/${version}\r\nHost: ${tunnel.host}\r\nTE: trailers\r\n` +
          "Connection: close\r\n\r\n",
      );
      const exchange = await origin.next();
      assertEquals(exchange.head.has("te"), version === "1.1");
      const isHead = method === "HEAD";
      await exchange.answer(isHead ? CHUNKED : `${CHUNKED}${chunked("ok", TRAILERS)}`);
      assertMatch(await visitor.readToEnd(), isHead ? /\r\n\r\n$/ : /\r\n\r\nok$/);
    }
  });
  await t.step("interim responses, each before what follows it", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/"));
    const exchange = await origin.next();
    await exchange.write(`HTTP/1.1 102 Processing\r\n\r\n${HINTS}`);
    assertEquals((await visitor.receiveHead()).startLine, "HTTP/1.1 102 Processing");
    assertEquals((await visitor.receiveHead()).text, PASSED_HINTS);
    // A 100 that nobody waits for says nothing.
    await exchange.answer(`${CONTINUE}${HINTS}${FINE}`);
    const { head, interim, text } = await visitor.receiveAll();
    assertEquals(interim.map(({ text }) => text), [PASSED_HINTS]);
    assertEquals([head.startLine, text], ["HTTP/1.1 200 Fine", "ok"]);
  });
  await t.step("no more than 32 of them", async () => {
    for (const [count, status] of [[32, 200], [33, 502]] as const) {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write("/"));
      const exchange = await origin.next();
      await exchange.write(`${HINTS.repeat(count)}${FINE}`);
      const answer = await visitor.receiveAll();
      assertEquals([answer.interim.length, answer.status], [32, status]);
      exchange.close();
    }
  });
  await t.step("none to HTTP/1.0", async () => {
    using visitor = await tunnel.open();
    await visitor.send(`GET / HTTP/1.0\r\nHost: ${tunnel.host}\r\n\r\n`);
    await (await origin.next()).answer(`${HINTS}${FINE}`);
    assertMatch(await visitor.readToEnd(), /^HTTP\/1\.1 200 Fine\r\n[^]*\r\n\r\nok$/);
  });
  await t.step("100 where the origin wants a body that is held back, and not before", async () => {
    using visitor = await tunnel.open();
    await visitor.send(expecting(tunnel.host));
    const exchange = await origin.next();
    assertEquals(exchange.head.get("expect"), "100-continue");
    await exchange.write(HINTS);
    assertEquals((await visitor.receiveHead()).text, PASSED_HINTS);
    await exchange.write(CONTINUE);
    assertEquals((await visitor.receiveHead()).startLine, "HTTP/1.1 100 Continue");
    await visitor.send("hello");
    assertEquals(toText(await exchange.body.readAll()), "hello");
    await exchange.answer(FINE);
    assertEquals((await visitor.receiveAll()).text, "ok");
  });
  await t.step("a refusal in place of 100, and the body is not sent", async () => {
    using visitor = await tunnel.open();
    await visitor.send(expecting(tunnel.host));
    const exchange = await origin.next();
    await exchange.write("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
    const { status, interim } = await visitor.receiveAll();
    assertEquals([status, interim, await visitor.readNext()], [417, [], null]);
    exchange.close();
  });
  await t.step("a body that its visitor does not hold back any longer", async () => {
    using visitor = await tunnel.open();
    await visitor.send(expecting(tunnel.host));
    const exchange = await origin.next();
    await visitor.send("hello");
    assertEquals(toText(await exchange.body.readAll()), "hello");
    await exchange.answer(FINE);
    assertEquals((await visitor.receiveAll()).interim, []);
    // The connection goes on.
    await visitor.send(tunnel.write("/"));
    await (await origin.next()).answer(FINE);
    assertEquals((await visitor.receiveAll()).status, 200);
  });
});

Deno.test("What is beside heads and bodies passes from node to node", async (t) => {
  const memory = new BusMemory();
  await using near = TestNode.start({ bus: new MemoryBus(memory), args: OWN });
  await using far = TestNode.start({ bus: new MemoryBus(memory), args: OWN });
  await using origin = ScriptedOrigin.start();
  await using client = await TestClient.connect([far], { origin });

  await t.step("a reason phrase", async () => {
    const [answer] = await Promise.all([
      near.get(client.host),
      origin.next().then((exchange) => exchange.answer(FINE)),
    ]);
    assertEquals(answer.head.startLine, "HTTP/1.1 200 Fine");
  });
  await t.step("trailers, both ways", async () => {
    using visitor = await RawHTTP.open(near.port);
    await visitor.send(
      `POST / HTTP/1.1\r\nHost: ${client.host}\r\nTE: trailers\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n${chunked("hello", TRAILERS)}`,
    );
    const exchange = await origin.next();
    assertEquals(exchange.head.get("te"), "trailers");
    assertEquals(toText(await exchange.body.readAll()), "hello");
    assertEquals(exchange.body.trailers, ["x-sum: 1", "x-sum: 2"]);
    await exchange.answer(`${CHUNKED}${chunked("ok", TRAILERS)}`);
    const answer = await visitor.receive();
    assertEquals(toText(await answer.body.readAll()), "ok");
    assertEquals(answer.body.trailers, ["x-sum: 1", "x-sum: 2"]);
  });
  await t.step("interim responses, but a body that is held back is asked for at once", async () => {
    using visitor = await RawHTTP.open(near.port);
    await visitor.send(expecting(client.host));
    assertEquals((await visitor.receiveHead()).startLine, "HTTP/1.1 100 Continue");
    const exchange = await origin.next();
    await exchange.write(CONTINUE + HINTS);
    assertEquals((await visitor.receiveHead()).text, PASSED_HINTS);
    await visitor.send("hello");
    await exchange.answer(FINE);
    assertEquals((await visitor.receiveAll()).interim, []);
  });
});

Deno.test("Peers without the features send no frame of them, and get none", async (t) => {
  await t.step("a client of before, which sends them all the same", async () => {
    await using server = await startServer(OWN);
    using client = await Subscriber.register(server, { features: [] });
    using visitor = await RawHTTP.open(Number(server.url.port));
    await visitor.send(
      `POST / HTTP/1.1\r\nHost: ${client.host}\r\nTransfer-Encoding: chunked\r\n\r\n` +
        chunked("hello", TRAILERS),
    );
    const { stream } = await client.frames.next(FrameType.HTTPRequest);
    await client.frames.next(FrameType.Data);
    assertEquals((await client.frames.next(FrameType.Data)).flags, FrameFlag.EndStream);
    client.frames.send(FrameType.Interim, { stream, payload: "103\r\n" });
    client.frames.send(FrameType.ReasonPhrase, { stream, payload: "Fine" });
    client.frames.send(FrameType.HTTPResponse, { stream, payload: HEAD });
    client.frames.send(FrameType.Trailers, { stream, payload: "x-sum: 1\r\n" });
    client.frames.send(FrameType.Data, { stream, flags: FrameFlag.EndStream });
    const answer = await visitor.receive();
    await answer.body.readAll();
    assertEquals([answer.head.startLine, answer.body.trailers], ["HTTP/1.1 200 OK", []]);
    assertEquals(answer.interim, []);
    // Who may not tell is not waited for.
    using expectant = await RawHTTP.open(Number(server.url.port));
    await expectant.send(expecting(client.host));
    assertEquals((await expectant.receiveHead()).startLine, "HTTP/1.1 100 Continue");
  });
  await t.step("a server of before", async () => {
    await using server = await ScriptedServer.start();
    await using origin = ScriptedOrigin.answering(
      `${HINTS}HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n${chunked("ok", TRAILERS)}`,
    );
    const [peer, program] = await Promise.all([
      server.nextRegistered(),
      startClient(server.port, origin),
    ]);
    await using _ = program;
    peer.send(FrameType.HTTPRequest, {
      stream: 1,
      payload: openingOf(1000),
      flags: FrameFlag.EndStream,
    });
    const { payload } = await peer.next(FrameType.HTTPResponse);
    assertEquals(toText(payload), HEAD);
    assertEquals(toText((await peer.next(FrameType.Data)).payload), "ok");
    assertEquals((await peer.next(FrameType.Data)).flags, FrameFlag.EndStream);
  });
});

/** Returns a body in one chunk, with a trailer section behind it. */
function chunked(body: string, trailers: string): string {
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `${chunk}0\r\n${trailers}\r\n`;
}

/** Returns the head of a request whose body is held back. */
function expecting(host: string): string {
  return `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
}
