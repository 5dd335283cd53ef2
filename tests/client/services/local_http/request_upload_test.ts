import { assert, assertEquals, assertRejects } from "@std/assert";
import { OriginError } from "../../../../lib/http/origin_error.ts";
import { within } from "../../../testing/within.ts";
import { RawOrigin } from "../../../testing/raw_origin.ts";
import { answerAll, assertFails, bodyOf, fetchText, request, TestPool } from "./test_pool.ts";

Deno.test("RequestUpload goes on beside an answer that comes before its end", async () => {
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

Deno.test("RequestUpload stops, and its connection closes, when the response is complete before it", async () => {
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

Deno.test("RequestUpload is not sent while the connection has not taken all of it, and the connection is not used again", async () => {
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

Deno.test("RequestUpload does not hide what the origin said before it closed during the upload", async () => {
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

Deno.test("RequestUpload does not hide an answer that came before the connection was reset", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.take(100_000);
    await peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno");
  });
  using pool = new TestPool(origin.port);
  const body = { length: 1e12, read: () => new Uint8Array(65_536) };
  assertEquals(await fetchText(pool, request("POST"), body), "413 no");
});

Deno.test("RequestUpload fails as cut when the origin closes during it without an answer", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.take(100_000);
  });
  using pool = new TestPool(origin.port);
  const body = { length: null, read: () => new Uint8Array(65_536) };
  await assertFails(fetchText(pool, request("POST"), body), "cut");
});

Deno.test("RequestUpload gives the origin up when the visitor goes during it", async () => {
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

Deno.test("RequestUpload gives up when its body is not as long as announced, and sends nothing beyond that", async () => {
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

Deno.test("RequestUpload waits for an origin that does not take it, until it is aborted", async () => {
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

Deno.test("RequestUpload sends a body whole, in pieces of any size", async () => {
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
