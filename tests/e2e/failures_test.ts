import { assertEquals, assertMatch } from "@std/assert";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Checks that the tunnel still carries requests, over the registration that it had all along. */
async function assertWorks(tunnel: Tunnel): Promise<void> {
  const { status, text } = await tunnel.request("/works");
  assertEquals([status, text], [200, "ok"]);
  assertEquals(tunnel.client.stdout.all.length, 1, "the client registered again");
}

Deno.test("An origin that is down is 502 and says so, and the tunnel recovers by itself", async () => {
  let first = ScriptedOrigin.answering(OK);
  const { port } = first;
  await using tunnel = await startTunnel({ origin: first });
  for (let round = 0; round < 2; round++) {
    await assertWorks(tunnel);
    await first[Symbol.asyncDispose]();
    for (const method of ["GET", "POST"]) {
      const { status, text } = await tunnel.request("/", { method, ...BODIES[method] });
      assertEquals(status, 502);
      assertMatch(text, /service|origin/i);
    }
    first = ScriptedOrigin.start((exchange) => exchange.answer(OK), { port });
  }
  await using _ = first;
  await assertWorks(tunnel);
});

const BODIES: Readonly<Record<string, { readonly body: string }>> = { POST: { body: "body" } };

Deno.test("An origin that answers rubbish is 502, and the tunnel stays up", async (t) => {
  let response = "";
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target === "/works") return await exchange.answer(OK);
    await exchange.write(response);
    exchange.close();
  });
  await using tunnel = await startTunnel({ origin });

  for (
    const [name, rubbish] of [
      ["nothing", ""],
      ["half a head", "HTTP/1.1 200 OK\r\nContent-"],
      ["no HTTP", "SSH-2.0-OpenSSH_9.9\r\n\r\n"],
      ["HTTP/0.9", "<html>hello</html>"],
      ["another version", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["no status", "HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["status 99", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["status 600", "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok"],
      ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"],
      ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"],
      [
        "a length and chunks",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      ],
      ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nok"],
      ["a length with a blank in its name", "HTTP/1.1 200 OK\r\nContent -Length: 2\r\n\r\nok"],
      ["no colon", "HTTP/1.1 200 OK\r\nXY\r\nContent-Length: 2\r\n\r\nok"],
      ["a folded line", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 2\r\n\r\nok"],
      ["a NUL in a value", "HTTP/1.1 200 OK\r\nX: y\0z\r\nContent-Length: 2\r\n\r\nok"],
      ["a lone CR", "HTTP/1.1 200 OK\r\nX: y\rZ: z\r\nContent-Length: 2\r\n\r\nok"],
      ["bytes of TLS", "\x15\x03\x01\x00\x02\x02\x50"],
      ["a head without end", `HTTP/1.1 200 OK\r\n${"X: yyyyyyyyyyyyy\r\n".repeat(6_000)}\r\n`],
      ["endless informational heads", "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000) + OK],
      ["an upgrade that nobody wanted", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    ] as const
  ) {
    await t.step(name, async () => {
      response = rubbish;
      const { status, text } = await tunnel.request("/");
      assertEquals(status, 502);
      assertMatch(text, /service|origin/i);
      await assertWorks(tunnel);
    });
  }
});

Deno.test("An origin that closes its connections between requests fails none of them", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.answer(OK);
    exchange.close();
  });
  await using tunnel = await startTunnel({ origin });
  using visitor = await tunnel.open();
  for (let i = 0; i < 50; i++) {
    assertEquals((await visitor.exchange(tunnel.write("/"))).text, "ok");
  }
  assertEquals(origin.connectionCount, 50);
});

Deno.test("An origin that sends no head within --timeout is 504 and loses the request", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target === "/works") await exchange.answer(OK);
  });
  await using tunnel = await startTunnel({ origin, serverArgs: ["--timeout", "1s"] });
  const { status, text } = await tunnel.request("/silent");
  assertEquals(status, 504);
  assertMatch(text, /service|origin/i);
  await (await origin.next()).hangUp();
  await assertWorks(tunnel);
});

Deno.test("A body that pauses longer than --timeout is not cut: only the head is waited for", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--timeout", "1s"] });
  using visitor = await tunnel.open();
  await visitor.send(tunnel.write("/events"));
  const events = await origin.next();
  await events.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12");
  const { body } = await visitor.receive();
  assertEquals(await body.readText(2), "12");

  // The other request's 504 tells that the time is over, for the first one too.
  assertEquals((await tunnel.request("/silent")).status, 504);
  await events.write("34");
  assertEquals(await body.readText(2), "34");
});
