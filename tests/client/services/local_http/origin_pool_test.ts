import { assertEquals, assertStringIncludes } from "@std/assert";
import { TCPDialer } from "../../../../lib/net/dialer.ts";
import { FakeClock } from "../../../testing/fake_clock.ts";
import { freePort } from "../../../testing/free_port.ts";
import { within } from "../../../testing/within.ts";
import { RawOrigin, type RawPeer } from "../../../testing/raw_origin.ts";
import {
  answerAll,
  assertFails,
  bodyOf,
  fetchText,
  request,
  TestPool,
  textOf,
} from "./test_pool.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** An origin that accepts a connection when the one before has ended, as small servers without threads do. */
class SerialOrigin implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const buffer = new Uint8Array(4096);
    for await (const socket of this.#listener) {
      using _closed = socket;
      while (await socket.read(buffer) !== null) {
        await socket.write(new TextEncoder().encode(OK));
      }
    }
  }
}

Deno.test("OriginPool uses a connection again, the last used first", async () => {
  await using origin = new RawOrigin(answerAll);
  using pool = new TestPool(origin.port);
  for (let i = 0; i < 20; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 1);
  const both = [fetchText(pool, request()), fetchText(pool, request())];
  assertEquals(await Promise.all(both), ["200 ok", "200 ok"]);
  assertEquals(origin.connections, 2);
  for (let i = 0; i < 20; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 2);
});

Deno.test("OriginPool uses a connection again after responses without a body and after uploads", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    await peer.until();
    await peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    await peer.until();
    await peer.send("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
    await peer.until("\r\n\r\nabc");
    await peer.send("HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n");
    await peer.until("0\r\n\r\n");
    await peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    await peer.until();
    await peer.send("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok");
    await peer.until();
    await peer.send(OK);
  });
  using pool = new TestPool(origin.port, { restTime: 0 });
  assertEquals(await fetchText(pool, request("HEAD")), "200 ");
  assertEquals(await fetchText(pool, request()), "204 ");
  assertEquals(await fetchText(pool, request()), "304 ");
  assertEquals(await fetchText(pool, request("POST"), bodyOf(["a", "bc"], 3)), "205 ");
  assertEquals(await fetchText(pool, request("POST"), bodyOf(["a", "bc"])), "200 ok");
  assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 1);
});

Deno.test("OriginPool uses no connection again that the origin will close or that says too much", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    `${OK}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`,
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n",
  ];
  await using origin = new RawOrigin(async (peer, index) => {
    await peer.until();
    await peer.send(answers[index] ?? OK);
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  for (const _ of answers) assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, answers.length + 1);
  pool.close();
  await origin.finished();
});

Deno.test("OriginPool uses no connection again on which a body follows where there is none: after HEAD, 204 and 304", async () => {
  const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
  for (const status of ["200 OK", "204 No Content", "304 Not Modified"]) {
    const method = status === "200 OK" ? "HEAD" : "GET";
    await using origin = new RawOrigin(async (peer, index) => {
      if (index > 0) return await answerAll(peer);
      await peer.until();
      await peer.send(`HTTP/1.1 ${status}\r\ncontent-length: ${evil.length}\r\n\r\n${evil}`);
      await peer.ended();
    });
    using pool = new TestPool(origin.port);
    assertEquals(await fetchText(pool, request(method)), `${status.slice(0, 3)} `);
    assertEquals(await within(fetchText(pool, request("POST")), "an answer"), "200 ok");
    assertEquals(origin.connections, 2);
  }
});

Deno.test("OriginPool gives nobody a connection on which a body may still come that HEAD, 204 or 304 do not have", async () => {
  for (const status of ["200 OK", "204 No Content", "304 Not Modified"]) {
    const late = Promise.withResolvers<void>();
    const method = status === "200 OK" ? "HEAD" : "GET";
    await using origin = new RawOrigin(async (peer, index) => {
      if (index > 0) return await answerAll(peer);
      await peer.until();
      await peer.send(`HTTP/1.1 ${status}\r\n\r\n`);
      await late.promise;
      await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
      await peer.ended();
    });
    using pool = new TestPool(origin.port, { restTime: 60_000 });
    assertEquals(await fetchText(pool, request(method)), `${status.slice(0, 3)} `);
    const next = fetchText(pool, request());
    late.resolve();
    assertEquals(await within(next, "an answer"), "200 ok");
    assertEquals(origin.connections, 2);
  }
});

Deno.test("OriginPool keeps no connection of an origin that sent more than its answer, and tells it", async () => {
  const surplus = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\noknot ok";
  await using origin = new RawOrigin(async (peer, index) => {
    if (index !== 1) return await answerAll(peer);
    await peer.until();
    await peer.send(surplus);
    await peer.ended();
  });
  const told: (readonly string[])[] = [];
  using pool = new TestPool(origin.port, { onMended: (faults) => told.push(faults) });
  const both = [fetchText(pool, request()), fetchText(pool, request())];
  assertEquals(await Promise.all(both), ["200 ok", "200 ok"]);
  for (let i = 0; i < 3; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 5);
  assertEquals(told, [["bytes come that belong to no answer (RFC 9112 section 9.2)"]]);
});

Deno.test("OriginPool takes a 408 on an idle connection for the end of that connection alone", async () => {
  await using origin = new RawOrigin(async (peer, index) => {
    if (index > 0) return await answerAll(peer);
    await peer.until();
    await peer.send(OK);
    await peer.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
    await peer.ended();
  });
  using pool = new TestPool(origin.port);
  assertEquals(await fetchText(pool, request("POST")), "200 ok");
  for (let i = 0; i < 3; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 2);
});

Deno.test("OriginPool uses no connection again on which somebody logged in, or could: NTLM and Negotiate", async () => {
  const answer = (field: string) =>
    `HTTP/1.1 401 Unauthorized\r\n${field}\r\ncontent-length: 2\r\n\r\nno`;
  const logins = [
    [request("GET", "/", [["authorization", "NTLM TlRMTVNTUAAB"]]), OK],
    [request("GET", "/", [["authorization", "negotiate YII="]]), OK],
    [request(), answer("WWW-Authenticate: NTLM")],
    [request(), answer('WWW-Authenticate: Basic realm="a, b", Negotiate')],
    [request(), answer("WWW-Authenticate: Basic\r\nwww-authenticate: Negotiate YII=")],
  ] as const;
  const others = [
    [request("GET", "/", [["authorization", "Basic YTpi"]]), OK],
    [request(), answer('WWW-Authenticate: Basic realm="ntlm", NTLMish')],
  ] as const;
  const cases = [
    ...logins.map(([head, first]) => ({ head, first, connections: 2 })),
    ...others.map(([head, first]) => ({ head, first, connections: 1 })),
  ];
  for (const { head, first, connections } of cases) {
    await using origin = new RawOrigin(async (peer, index) => {
      if (index === 0) {
        await peer.until();
        await peer.send(first);
      }
      await answerAll(peer);
    });
    let told = 0;
    using pool = new TestPool(origin.port, { onLogin: () => told++ });
    await fetchText(pool, head);
    await fetchText(pool, request());
    assertEquals([origin.connections, told], [
      connections,
      first !== OK && connections === 2 ? 1 : 0,
    ]);
  }
});

Deno.test("OriginPool lets idle connections go for exchanges that an origin of one connection at a time does not answer", async () => {
  await using origin = new SerialOrigin();
  using pool = new TestPool(origin.port, { idleTimeout: 3_600_000 });
  for (let round = 0; round < 2; round++) {
    const many = Array.from({ length: 6 }, () => fetchText(pool, request()));
    assertEquals(await within(Promise.all(many), "six answers"), Array(6).fill("200 ok"));
  }
});

Deno.test("OriginPool sends nothing that cannot be repeated on a connection of an origin that closes without a word", async () => {
  // No time passes, so that no connection is taken for one that stays open.
  using _clock = new FakeClock();
  let closeLast = (): void => {};
  await using origin = new RawOrigin(async (peer) => {
    // It closes late: when the next connection comes, or without an answer when there is a request on this one.
    closeLast();
    const next = new Promise<void>((resolve) => closeLast = resolve);
    await peer.until();
    await peer.send(OK);
    await Promise.race([next, peer.until()]);
  });
  using pool = new TestPool(origin.port);
  for (const method of ["POST", "POST", "GET", "POST", "POST", "PATCH", "POST"]) {
    assertEquals(await fetchText(pool, request(method)), "200 ok");
  }
});

Deno.test("OriginPool sends what cannot be repeated on a connection of an origin that was seen to keep them", async () => {
  await using origin = new RawOrigin(answerAll);
  using pool = new TestPool(origin.port);
  for (let i = 0; i < 2; i++) assertEquals(await fetchText(pool, request()), "200 ok");
  for (let i = 0; i < 5; i++) assertEquals(await fetchText(pool, request("POST")), "200 ok");
  assertEquals(origin.connections, 1);
});

Deno.test("OriginPool drops an idle connection as soon as the origin closes it or speaks unasked", async () => {
  const ends = [(peer: RawPeer) => peer.closeWrite(), (peer: RawPeer) => peer.send(OK)];
  for (const end of ends) {
    await using origin = new RawOrigin(async (peer) => {
      await peer.until();
      await peer.send(OK);
      await end(peer);
      await peer.ended();
    });
    using pool = new TestPool(origin.port);
    assertEquals(await fetchText(pool, request("POST")), "200 ok");
    // The origin's script ends when the client has closed.
    await origin.finished();
    assertEquals(await fetchText(pool, request("POST")), "200 ok");
    assertEquals(origin.connections, 2);
  }
});

Deno.test("OriginPool takes nothing for an answer that came while a connection was idle, though the next request comes at once", async () => {
  for (const method of ["GET", "POST"]) {
    const speak = Promise.withResolvers<void>();
    const spoken = Promise.withResolvers<void>();
    await using origin = new RawOrigin(async (peer, index) => {
      if (index > 0) return await answerAll(peer);
      await peer.until();
      await peer.send(OK);
      await speak.promise;
      await peer.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
      spoken.resolve();
      await peer.ended();
    });
    using pool = new TestPool(origin.port);
    using other = new TestPool(origin.port);
    assertEquals(await fetchText(pool, request(method)), "200 ok");
    speak.resolve();
    await spoken.promise;
    // Once this is answered, what had arrived before was read.
    assertEquals(await fetchText(other, request()), "200 ok");
    assertEquals(await within(fetchText(pool, request(method)), "an answer"), "200 ok");
    assertEquals(origin.connections, 3);
  }
});

Deno.test("OriginPool sends an idempotent request again when a used connection dies without an answer", async () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
    await using origin = new RawOrigin(async (peer, index) => {
      if (index === 0) {
        await peer.until();
        await peer.send(OK);
      }
      assertStringIncludes(await peer.until(), `${method} /again HTTP/1.1\r\n`);
      if (index > 0) await peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    using pool = new TestPool(origin.port);
    assertEquals(await fetchText(pool, request()), "200 ok");
    assertEquals(await fetchText(pool, request(method, "/again")), "204 ");
    assertEquals(origin.connections, 2);
  }
});

Deno.test("OriginPool sends a request once when it may have taken effect, has a body, or was partly answered", async () => {
  const cases = [
    { head: request("POST"), body: null, answer: "", code: "cut" },
    { head: request("PUT"), body: bodyOf(["x"], 1), answer: "", code: "cut" },
    { head: request(), body: null, answer: "HTTP/1.1 2", code: "malformed" },
    { head: request(), body: null, answer: "HTTP/1.1 103 Hints\r\n\r\n", code: "cut" },
  ] as const;
  for (const { head, body, answer, code } of cases) {
    await using origin = new RawOrigin(async (peer) => {
      for (let i = 0; i < 2; i++) {
        await peer.until();
        await peer.send(OK);
      }
      await peer.until();
      if (body !== null) await peer.take(1);
      await peer.send(answer);
    });
    using pool = new TestPool(origin.port);
    for (let i = 0; i < 2; i++) assertEquals(await fetchText(pool, request()), "200 ok");
    await assertFails(fetchText(pool, head, body), code);
    assertEquals(origin.connections, 1);
  }
});

Deno.test("OriginPool gives up after one repetition", async () => {
  await using origin = new RawOrigin(async (peer, index) => {
    await peer.until();
    if (index > 0) return;
    await peer.send(OK);
    await peer.until();
  });
  using pool = new TestPool(origin.port);
  assertEquals(await fetchText(pool, request()), "200 ok");
  await assertFails(fetchText(pool, request()), "cut");
  assertEquals(origin.connections, 2);
});

Deno.test("OriginPool takes only a fresh connection for what cannot be sent twice", async () => {
  await using origin = new RawOrigin(answerAll);
  using pool = new TestPool(origin.port, { freshTimeout: -1 });
  assertEquals(await fetchText(pool, request("POST")), "200 ok");
  assertEquals(await fetchText(pool, request()), "200 ok");
  assertEquals(origin.connections, 1);
  assertEquals(await fetchText(pool, request("POST")), "200 ok");
  assertEquals(origin.connections, 2);
});

Deno.test("OriginPool closes connections that were idle for long, and runs no timer without any", async () => {
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send(OK);
    await peer.ended();
  });
  // Not closed at the end: a timer left running would fail the test.
  const pool = new TestPool(origin.port, { idleTimeout: 16 });
  assertEquals(await Promise.all([fetchText(pool, request()), fetchText(pool, request())]), [
    "200 ok",
    "200 ok",
  ]);
  await origin.finished();
  assertEquals(origin.connections, 2);
});

Deno.test("OriginPool keeps no more idle connections than its bound", async () => {
  await using origin = new RawOrigin(answerAll);
  using pool = new TestPool(origin.port, { maxIdle: 1 });
  const three = () => Promise.all([1, 2, 3].map(() => fetchText(pool, request())));
  await three();
  assertEquals(origin.connections, 3);
  await three();
  assertEquals(origin.connections, 5);
});

Deno.test("OriginPool finds an origin that listens on either loopback address as localhost", async () => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    await using origin = new RawOrigin(answerAll, hostname);
    using pool = new TestPool(origin.port, { dialer: new TCPDialer("localhost", origin.port) });
    assertEquals(await fetchText(pool, request()), "200 ok");
    const both = [fetchText(pool, request()), fetchText(pool, request())];
    assertEquals(await Promise.all(both), ["200 ok", "200 ok"]);
  }
});

Deno.test("OriginPool says where no connection was made", async () => {
  const port = freePort();
  for (const hostname of ["localhost", "127.0.0.1"]) {
    using pool = new TestPool(port, {
      address: `${hostname}:${port}`,
      dialer: new TCPDialer(hostname, port),
    });
    const error = await assertFails(fetchText(pool, request()), "refused");
    assertStringIncludes(error.message, `${hostname}:${port}`);
  }
  using pool = new TestPool(1, {
    address: "origin.invalid:1",
    dialer: new TCPDialer("origin.invalid", 1),
  });
  const error = await assertFails(fetchText(pool, request()), "unreachable");
  assertStringIncludes(error.message, "origin.invalid:1");
});

Deno.test("OriginPool asks again for every exchange, so that an origin that was down is found", async () => {
  const port = freePort();
  using pool = new TestPool(port);
  await assertFails(fetchText(pool, request()), "refused");
  await using _origin = new RawOrigin(answerAll, "127.0.0.1", port);
  assertEquals(await fetchText(pool, request()), "200 ok");
});

Deno.test("OriginPool waits only so long for a connection, and not at all once the exchange is aborted", async () => {
  // Nobody accepts here: when its queue is full, the system answers no further attempt.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  using waiting = new TestPool(listener.addr.port);
  const exchanges = Array.from({ length: 4 }, () => waiting.exchange(request(), null));
  using pool = new TestPool(listener.addr.port, { connectTimeout: 50 });
  await assertFails(fetchText(pool, request()), "timeout");
  for (const exchange of exchanges) {
    exchange.abort();
    await assertFails(exchange.response, "aborted");
  }
});

Deno.test("OriginPool.close lets exchanges end, closes their connections, and begins none", async () => {
  const closing = Promise.withResolvers<void>();
  await using origin = new RawOrigin(async (peer) => {
    await peer.until();
    await peer.send(OK.slice(0, -1));
    await closing.promise;
    await peer.send("k");
    await peer.ended();
  });
  const pool = new TestPool(origin.port);
  const response = await pool.exchange(request(), null).response;
  pool.close();
  closing.resolve();
  assertEquals(await textOf(response), "ok");
  await origin.finished();
  await assertFails(fetchText(pool, request()), "aborted");
});

Deno.test("OriginPool survives many exchanges at once, uploads and downloads mixed", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = await request.text();
    return new Response(new TextEncoder().encode(`${request.method} ${body.length}`));
  });
  {
    using pool = new TestPool(server.addr.port);
    const works = Array.from({ length: 100 }, async (_, i) => {
      const size = i * 2477;
      const pieces = ["x".repeat(Math.floor(size / 2)), "y".repeat(Math.ceil(size / 2))];
      const body = bodyOf(pieces, i % 2 ? size : null, i % 3 === 0);
      assertEquals(await fetchText(pool, request("PUT"), body), `200 PUT ${size}`);
      assertEquals(await fetchText(pool, request()), "200 GET 0");
    });
    await Promise.all(works);
  }
  await server.shutdown();
});
