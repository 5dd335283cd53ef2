import { assertEquals } from "@std/assert";
import { originAnswers } from "../../../testing/protocol_document.ts";
import { RawOrigin } from "../../../testing/raw_origin.ts";
import { answering, assertFails, fetchText, request, TestPool, textOf } from "./test_pool.ts";

Deno.test("OriginExchange passes over informational heads, but not endlessly, and accepts no 101", async () => {
  const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  const hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
  await using origin = answering(`HTTP/1.1 100 Continue\r\n\r\n${hints}${ok}`);
  using pool = new TestPool(origin.port);
  assertEquals(await fetchText(pool, request()), "200 ok");

  await using endless = answering(hints.repeat(1000) + ok);
  using endlessPool = new TestPool(endless.port);
  await assertFails(fetchText(endlessPool, request()), "malformed");

  await using switching = answering("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n");
  using switchingPool = new TestPool(switching.port);
  await assertFails(fetchText(switchingPool, request()), "malformed");
});

Deno.test("OriginExchange fails as malformed or cut when no whole head comes", async () => {
  const answers = [
    ["", "cut"],
    ["HTTP/1.1 100 Continue\r\n\r\n", "cut"],
    ["H", "malformed"],
    ["HTTP/1.1 200 OK\r\ncontent-le", "malformed"],
    ["SSH-2.0-OpenSSH_9.6\r\n", "malformed"],
    ["HTTP/1.1 200 OK\na\n\nbody", "malformed"],
    [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, "malformed"],
  ] as const;
  for (const [answer, code] of answers) {
    await using origin = answering(answer);
    using pool = new TestPool(origin.port);
    await assertFails(fetchText(pool, request()), code);
  }
});

Deno.test("OriginExchange mends what can be read in one way only, tells it, and lets the connection go", async () => {
  const answers = originAnswers("mended").map(({ answer }) => answer);
  answers.push("HTTP/1.1 103 Early Hints\n\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await using origin = new RawOrigin(async (peer, index) => {
    await peer.until();
    await peer.send(answers[index] ?? "");
    // Without this the end of a body would never come.
    if (answers[index]?.endsWith("0\r\n")) await peer.closeWrite();
    await peer.ended();
  });
  let mended = 0;
  using pool = new TestPool(origin.port, { onMended: () => mended++ });
  for (const answer of answers) {
    assertEquals(await fetchText(pool, request()), "200 ok", JSON.stringify(answer));
  }
  assertEquals([origin.connections, mended], [answers.length, answers.length]);
  // Each connection was closed by the client, for its script has ended.
  await origin.finished();
});

Deno.test("OriginExchange reads a head that is longer than a connection's own buffer", async () => {
  const value = "y".repeat(60_000);
  await using origin = answering(`HTTP/1.1 200 OK\r\nx: ${value}\r\ncontent-length: 1\r\n\r\nz`);
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  assertEquals(response.head.fields[0], ["x", value]);
  assertEquals(await textOf(response), "z");
});

Deno.test("OriginExchange.abort closes the connection while it waits for the head", async () => {
  const received = Promise.withResolvers<void>();
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    received.resolve();
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  const exchange = pool.exchange(request(), null);
  await received.promise;
  exchange.abort();
  exchange.abort();
  await assertFails(exchange.response, "aborted");
  await origin.finished();
});

Deno.test("OriginExchange.abort ends an exchange that has no connection yet", async () => {
  await using origin = answering("HTTP/1.1 204 No Content\r\n\r\n");
  using pool = new TestPool(origin.port);
  const exchange = pool.exchange(request(), null);
  exchange.abort();
  await assertFails(exchange.response, "aborted");
});

Deno.test("OriginExchange.abort closes the connection while a body is read", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc");
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  const exchange = pool.exchange(request(), null);
  const response = await exchange.response;
  assertEquals((await response.read())?.length, 3);
  const pending = assertFails(Promise.resolve(response.read()), "aborted");
  exchange.abort();
  await pending;
  await assertFails(textOf(response), "aborted");
  await origin.finished();
});

Deno.test("OriginExchange.abort keeps the connection of an exchange that is complete", async () => {
  await using origin = new RawOrigin(async (peer) => {
    for (let i = 0; i < 3; i++) {
      await peer.until();
      await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  });
  using pool = new TestPool(origin.port);
  const exchange = pool.exchange(request(), null);
  assertEquals(await textOf(await exchange.response), "ok");
  exchange.abort();
  const last = pool.exchange(request(), null);
  assertEquals((await (await last.response).read())?.length, 2);
  last.abort();
  assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 1);
});

Deno.test("OriginExchange of a connection that serves another one already reads nothing of it", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret");
  });
  using pool = new TestPool(origin.port);
  const first = pool.exchange(request(), null);
  const response = await first.response;
  assertEquals(await textOf(response), "ok");
  const other = await pool.exchange(request(), null).response;
  assertEquals(await response.read(), null);
  first.abort();
  assertEquals(await textOf(other), "secret");
  assertEquals(origin.connections, 1);
});
