import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { createServer, type Socket } from "node:net";
import { OriginError, type OriginErrorCode } from "../../../../lib/http/origin_error.ts";
import { within } from "../../../testing/within.ts";
import { RawOrigin, type RawPeer } from "../../../testing/raw_origin.ts";
import { bodyOf, fetchText, request, TestPool, textOf } from "./test_pool.ts";
import { plain } from "../../../testing/heads.ts";

/** Answers every connection with these bytes and closes it. */
function answering(answer: string): RawOrigin {
  return new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send(answer);
    await peer.closeWrite();
    await peer.ended();
  });
}

async function answerAll(peer: RawPeer): Promise<void> {
  for (;;) {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  }
}

async function assertFails(work: Promise<unknown>, code: OriginErrorCode): Promise<void> {
  const error = await assertRejects(() => work, OriginError);
  assertEquals(error.code, code, error.message);
}

Deno.test("OriginExchange reads every framing", async () => {
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

Deno.test("OriginExchange reads a response that arrives byte by byte", async () => {
  const chunked =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n";
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    for (const char of `${chunked}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`) await peer.send(char);
  });
  using pool = new TestPool(origin.port);
  assertEquals(await fetchText(pool, request()), "200 abcde");
});

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
    ["HTTP/1.1 200 OK\n\nbody", "malformed"],
    [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, "malformed"],
  ] as const;
  for (const [answer, code] of answers) {
    await using origin = answering(answer);
    using pool = new TestPool(origin.port);
    await assertFails(fetchText(pool, request()), code);
  }
});

Deno.test("OriginExchange reads a head that is longer than a connection's own buffer", async () => {
  const value = "y".repeat(60_000);
  await using origin = answering(`HTTP/1.1 200 OK\r\nx: ${value}\r\ncontent-length: 1\r\n\r\nz`);
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  assertEquals(response.head.fields[0], ["x", value]);
  assertEquals(await textOf(response), "z");
});

Deno.test("OriginExchange delivers a body that is cut or malformed up to there, and then fails", async () => {
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
  const answers = [
    ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", "cut"],
    [chunked, "cut"],
    [`${chunked}0\r\n`, "cut"],
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

Deno.test("OriginExchange takes a reset connection for the end of no body, though nothing but its end would tell", async () => {
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

Deno.test("OriginExchange gives a body that has arrived with its head without a promise", async () => {
  await using origin = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  using pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  assertInstanceOf(response.read(), Uint8Array);
  assertEquals(response.read(), null);
  assertEquals(response.read(), null);
});

Deno.test("OriginExchange streams a response as it is written", async () => {
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

Deno.test("OriginExchange reads on only when it is asked, so that the origin is held back", async () => {
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

Deno.test("OriginExchange answers before the upload ends, and both go on", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (const char of "abc") {
      assertEquals(await peer.take(6), `1\r\n${char}\r\n`);
      await peer.send(`1\r\n${char}\r\n`);
    }
    await peer.until("0\r\n\r\n");
    await peer.send("0\r\n\r\n");
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  const pieces = ["a", "b", "c"].map(() => Promise.withResolvers<Uint8Array | null>());
  const end = Promise.withResolvers<null>();
  const reads = [...pieces.map(({ promise }) => promise), end.promise];
  const body = { length: null, read: () => reads.shift() ?? null };
  const response = await pool.exchange(request("POST"), body).response;
  for (const [i, piece] of pieces.entries()) {
    const bytes = new TextEncoder().encode("abc"[i]);
    piece.resolve(bytes);
    assertEquals(await response.read(), bytes);
  }
  end.resolve(null);
  assertEquals(await response.read(), null);
});

Deno.test("OriginExchange stops the upload and closes when the response is complete before it", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  const late = Promise.withResolvers<Uint8Array | null>();
  let reads = 0;
  const body = { length: null, read: () => (reads++, late.promise) };
  assertEquals(await fetchText(pool, request("POST"), body), "403 no");
  await origin.finished();
  late.resolve(new Uint8Array(10));
  await late.promise;
  assertEquals(reads, 1);
});

Deno.test("OriginExchange gives no connection back that has not taken all of the request, however much was collected before", async () => {
  const taken = Promise.withResolvers<void>();
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    // More than the system's buffers hold is on its way, and nobody reads it.
    await taken.promise;
  });
  using pool = new TestPool(origin.port);
  const piece = new Uint8Array(40_000_000);
  const body = { length: piece.length, read: () => piece };
  assertEquals(await fetchText(pool, request("PUT"), body), "200 ok");
  assertEquals(await within(fetchText(pool, request()), "an answer"), "200 ok");
  assertEquals(origin.connections, 2);
  taken.resolve();
});

Deno.test("OriginExchange delivers what the origin said before it closed during the upload", async () => {
  for (const length of ["content-length: 2\r\n", ""]) {
    await using origin = new RawOrigin(async (peer) => {
      await peer.until();
      await peer.send(`HTTP/1.1 413 Too Large\r\n${length}\r\nno`);
      await peer.closeWrite();
      await peer.ended();
    });
    using pool = new TestPool(origin.port);
    const body = { length: 1e12, read: () => new Uint8Array(65_536) };
    assertEquals(await fetchText(pool, request("POST"), body), "413 no");
  }
});

Deno.test("OriginExchange delivers an answer that came before the connection was reset", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.take(100_000);
    await peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno");
  });
  using pool = new TestPool(origin.port);
  const body = { length: 1e12, read: () => new Uint8Array(65_536) };
  assertEquals(await fetchText(pool, request("POST"), body), "413 no");
});

Deno.test("OriginExchange fails as cut when the origin closes during the upload without an answer", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.take(100_000);
  });
  using pool = new TestPool(origin.port);
  const body = { length: null, read: () => new Uint8Array(65_536) };
  await assertFails(fetchText(pool, request("POST"), body), "cut");
});

Deno.test("OriginExchange gives the origin up when the visitor goes during the upload", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  const gone = new Error("gone");
  const body = { length: 10, read: () => Promise.reject(gone) };
  const error = await assertRejects(() => fetchText(pool, request("POST"), body), OriginError);
  assertEquals(error.code, "aborted");
  assertEquals(error.cause, gone);
  await origin.finished();
});

Deno.test("OriginExchange gives an upload up that is not as long as announced, and sends nothing that is too much", async () => {
  const cases = [
    { pieces: ["ab", "c"], length: 4, sent: "abc" },
    { pieces: ["ab", "cdeGET /evil HTTP/1.1\r\n"], length: 4, sent: "ab" },
    { pieces: ["abcd", "e"], length: 4, sent: "abcd" },
    { pieces: ["a"], length: 0, sent: "" },
  ];
  for (const { pieces, length, sent } of cases) {
    for (const later of [false, true]) {
      const received = Promise.withResolvers<string>();
      await using origin = new RawOrigin(async (peer) => {
        received.resolve(await peer.rest());
      });
      using pool = new TestPool(origin.port);
      const work = fetchText(pool, request("POST"), bodyOf(pieces, length, later));
      await assertFails(within(work, "the end of the upload"), "aborted");
      const [, body = ""] = (await received.promise).split("\r\n\r\n");
      assert(sent.startsWith(body), `the origin got ${body}`);
    }
  }
});

Deno.test("OriginExchange holds an upload back that the origin does not take, until it is aborted", async () => {
  const aborted = Promise.withResolvers<void>();
  await using origin = new RawOrigin(async (peer, index) => {
    if (index > 0) return await answerAll(peer);
    await peer.until();
    await aborted.promise;
  });
  using pool = new TestPool(origin.port);
  let given = 0;
  const body = { length: null, read: () => (given++, new Uint8Array(65_536)) };
  const exchange = pool.exchange(request("POST"), body);
  for (let i = 0; i < 200; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  assert(given > 0 && given < 500, `${given} pieces were taken that nobody read`);
  exchange.abort();
  aborted.resolve();
  await assertFails(exchange.response, "aborted");
});

Deno.test("OriginExchange sends an upload whole, whatever its pieces", async () => {
  const sizes = [0, 1, 5, 16_000, 16_383, 16_384, 0, 70_000, 3, 200_000, 0];
  const pieces = sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size));
  const data = pieces.join("");
  for (const later of [false, true]) {
    for (const length of [null, data.length]) {
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        async (request) => new Response(await request.text()),
      );
      {
        using pool = new TestPool(server.addr.port);
        const body = bodyOf(pieces, length, later);
        assertEquals(await fetchText(pool, request("POST"), body) === `200 ${data}`, true);
      }
      await server.shutdown();
    }
  }
});
