import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { createServer, type Socket } from "node:net";
import { RawOrigin } from "../../../testing/raw_origin.ts";
import { plain } from "../../../testing/heads.ts";
import {
  answerAll,
  answering,
  assertFails,
  fetchText,
  request,
  TestPool,
  textOf,
} from "./test_pool.ts";

Deno.test("OriginResponse has a body of every framing", async () => {
  const chunked =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nt: v\r\n\r\n";
  const answers = [
    ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde", "200 abcde"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcdefgh", "200 abcde"],
    [chunked, "200 abcde"],
    ["HTTP/1.1 200 OK\r\n\r\nabcde", "200 abcde"],
    ["HTTP/1.0 200 OK\r\n\r\nabcde", "200 abcde"],
    ["HTTP/1.0 404\r\n\r\n", "404 "],
    ["HTTP/1.1 204 No Content\r\n\r\nabcde", "204 "],
    ["HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "304 "],
    ["HTTP/1.1 205 Reset Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "205 "],
  ] as const;
  for (const [answer, expected] of answers) {
    await using origin = answering(answer);
    using pool = new TestPool(origin.port);
    assertEquals(await fetchText(pool, request()), expected);
  }
  await using origin = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request("HEAD"), null).response;
  assertEquals(plain(response.head), {
    status: 200,
    fields: [["content-length", "5"]],
  });
});

Deno.test("OriginResponse is read though it arrives byte by byte", async () => {
  const chunked =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n";
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    for (const char of `${chunked}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`) await peer.send(char);
  });
  using pool = new TestPool(origin.port);
  assertEquals(await fetchText(pool, request()), "200 abcde");
});

Deno.test("OriginResponse gives a body that is cut or malformed up to there, and then fails", async () => {
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
  const answers = [
    ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", "cut"],
    [chunked, "cut"],
    [`${chunked}0`, "cut"],
    [`${chunked}0 `, "cut"],
    [`${chunked}xyz\r\n`, "malformed"],
  ] as const;
  for (const [answer, code] of answers) {
    const sent = Promise.withResolvers<void>();
    await using origin = new RawOrigin(async (peer) => {
      await peer.until();
      const end = answer.indexOf("abc") + 3;
      await peer.send(answer.slice(0, end));
      await sent.promise;
      await peer.send(answer.slice(end));
    });
    using pool = new TestPool(origin.port);
    const response = await pool.exchange(request(), null).response;
    const piece = await response.read();
    assertEquals(piece, new TextEncoder().encode("abc"));
    sent.resolve();
    await assertFails(textOf(response), code);
    await assertFails(textOf(response), code);
  }
});

Deno.test("OriginResponse fails when its connection is reset, even if the end of the connection would end the body", async () => {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nabc"));
    accepted.resolve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(address !== null && typeof address === "object");
  {
    using pool = new TestPool(address.port);
    const response = await pool.exchange(request(), null).response;
    assertEquals(await response.read(), new TextEncoder().encode("abc"));
    // Deno's own sockets say that they end before they are closed, and reset nothing.
    (await accepted.promise).resetAndDestroy();
    await assertFails(textOf(response), "cut");
  }
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("OriginResponse gives a body that has arrived with its head without a promise", async () => {
  await using origin = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  assertInstanceOf(response.read(), Uint8Array);
  assertEquals(response.read(), null);
  assertEquals(response.read(), null);
});

Deno.test("OriginResponse gives a body as it is written", async () => {
  let next = Promise.withResolvers<void>();
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (let i = 0; i < 5; i++) {
      await next.promise;
      next = Promise.withResolvers();
      await peer.send(`1\r\n${i}\r\n`);
    }
    await peer.send("0\r\n\r\n");
  });
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  for (let i = 0; i < 5; i++) {
    const read = response.read();
    assertInstanceOf(read, Promise);
    assertThrows(() => response.read(), TypeError);
    next.resolve();
    assertEquals(await read, new TextEncoder().encode(String(i)));
  }
  assertEquals(await response.read(), null);
});

Deno.test("OriginResponse reads on only when it is asked, so that the origin is held back", async () => {
  const piece = new Uint8Array(1024 * 1024);
  const count = 64;
  let sent = 0;
  await using origin = new RawOrigin(async (peer, index) => {
    if (index > 0) return await answerAll(peer);
    await peer.until();
    await peer.send(`HTTP/1.1 200 OK\r\ncontent-length: ${count * piece.length}\r\n\r\n`);
    for (; sent < count; sent++) await peer.send(piece);
  });
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  for (let i = 0; i < 200; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  assert(sent < count / 2, `the origin could send ${sent} MiB that nobody read`);
  let length = 0;
  for (let bytes = await response.read(); bytes !== null; bytes = await response.read()) {
    length += bytes.length;
  }
  assertEquals(length, count * piece.length);
});
