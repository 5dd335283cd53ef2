import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CERTIFICATE, readCertificate } from "../testing/certificate.ts";
import { HTTP2Visitor } from "../testing/http2_visitor.ts";
import { Program, ProgramError } from "../testing/program.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Milliseconds in which an origin has to learn that its visitor left: a second, and what a busy machine adds. */
const CANCELLED_WITHIN = 5_000;

Deno.test("With a certificate the server's URL and the tunnel's are https", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTLSTunnel(origin);
  assertEquals(tunnel.server.url.protocol, "https:");
  assertEquals(tunnel.url.protocol, "https:");
});

Deno.test("A client connects over wss, and refuses a server whose certificate it does not trust", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startTLSServer();
  for (const variable of ["DENO_CERT", "NODE_EXTRA_CA_CERTS"]) {
    await t.step(`trusting through ${variable}`, async () => {
      await using tunnel = await startTLSTunnel(origin, server, {
        [variable]: CERTIFICATE.certFile,
      });
      assertEquals((await request(tunnel, "/")).status, 200);
    });
  }
  await t.step("trusting through --server-ca", async () => {
    const args = ["--server", `https://127.0.0.1:${server.url.port}`, `${origin.port}`];
    const serverCa = ["--server-ca", CERTIFICATE.certFile];
    await using client = await Program.start("client.ts", [...serverCa, ...args]);
    await using tunnel = new Tunnel(server, client, new AsyncDisposableStack());
    assertEquals((await request(tunnel, "/")).status, 200);
  });
  await t.step("not trusting", async () => {
    const error = await assertRejects(
      () => Program.start("client.ts", ["--once", "--server", server.url.origin]),
      ProgramError,
    );
    assertEquals(error.code, 1);
    assertMatch(error.stderr, /certificate/i);
  });
  await t.step("not speaking TLS", async () => {
    const error = await assertRejects(
      () =>
        Program.start("client.ts", ["--once", "--server", `http://127.0.0.1:${server.url.port}`]),
      ProgramError,
    );
    assertEquals(error.code, 1);
    const said = error.stderr.split("\n").filter((line) => line.includes("not connected"));
    assertEquals(said.length, 1, error.stderr);
    assertMatch(said[0] ?? "", /: it .*https:\/\/127\.0\.0\.1:\d+$/);
  });
});

Deno.test("A visitor over HTTPS gets the origin's answer, and the origin learns that it was https", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTLSTunnel(origin);
  using visitor = await openTLS(tunnel);
  await visitor.send(tunnel.write("/a//b?c", { method: "POST", body: "body" }));
  const exchange = await origin.next();
  assertEquals(exchange.head.startLine, "POST /a//b?c HTTP/1.1");
  assertEquals(exchange.head.all("host"), [tunnel.host]);
  assertEquals(exchange.head.all("x-forwarded-proto"), ["https"]);
  assertMatch(exchange.head.get("forwarded") ?? "", /(?:^|;)proto=https(?:;|$)/);
  await exchange.answer(OK);
  assertEquals((await visitor.receiveAll()).text, "ok");
});

Deno.test("A visitor over HTTP/2 reaches the origin with the right method, target, Host and cookies", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  const { head, text } = visitor.begin({
    ":method": "GET",
    ":path": "/a//b/../c?d=%2F",
    ":authority": tunnel.host,
    // Each cookie may have a field of its own (RFC 9113 section 8.2.3), which HTTP/1.1 does not allow.
    "cookie": ["a=1", "b=2"],
    "x-custom": "yes",
  });
  const exchange = await origin.next();
  assertEquals(exchange.head.startLine, "GET /a//b/../c?d=%2F HTTP/1.1");
  assertEquals(exchange.head.all("host"), [tunnel.host]);
  assertEquals(exchange.head.all("cookie"), ["a=1; b=2"]);
  assertEquals(exchange.head.all("x-custom"), ["yes"]);
  assertEquals(exchange.head.all("x-forwarded-proto"), ["https"]);
  await exchange.answer(
    "HTTP/1.1 404 Gone Fishing\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: X-Hop, keep-alive\r\n" +
      "X-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 4\r\n\r\nfish",
  );
  const { status, fields } = await head;
  assertEquals(status, 404);
  assertEquals(fields["set-cookie"], ["a=1", "b=2"]);
  // RFC 9113 section 8.2.2: fields of a connection make a message malformed.
  assertEquals([fields["connection"], fields["keep-alive"], fields["x-hop"]], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(await text, "fish");
});

Deno.test("Bodies over HTTP/2 flow both ways as they are written", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  const { stream, head, text } = visitor.begin(
    { ":method": "POST", ":path": "/", ":authority": tunnel.host },
    { end: false },
  );
  stream.write("first");
  const exchange = await origin.next();
  assertEquals(await exchange.body.readText(5), "first");
  stream.write("second");
  assertEquals(await exchange.body.readText(6), "second");
  await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  assertEquals((await head).status, 200);
  const piece = new Promise((resolve) => stream.once("data", resolve));
  await exchange.write("3\r\none\r\n");
  assertEquals(await within(piece, "the first piece"), "one");
  stream.end();
  await exchange.answer("3\r\ntwo\r\n0\r\n\r\n");
  assertEquals(await text, "onetwo");
});

Deno.test("A request over HTTP/2 without a body reaches the origin with neither a length nor a coding", async (t) => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  for (const method of ["DELETE", "OPTIONS", "MKCOL", "PROPFIND", "COPY", "MOVE", "POST", "PUT"]) {
    await t.step(method, async () => {
      const answer = visitor.request({
        ":method": method,
        ":path": "/a",
        ":authority": tunnel.host,
      });
      const exchange = await origin.next();
      const { head } = exchange;
      assertEquals(head.startLine, `${method} /a HTTP/1.1`);
      assertEquals([head.get("content-length"), head.get("transfer-encoding")], [null, null]);
      await exchange.answer(OK);
      assertEquals((await answer).text, "ok");
    });
  }
});

Deno.test("An origin can answer an HTTP/2 visitor that sends its body only after the answer has begun", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  const { stream, head, text } = visitor.begin(
    { ":method": "POST", ":path": "/", ":authority": tunnel.host },
    { end: false },
  );
  const exchange = await origin.next();
  await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  assertEquals((await head).status, 200);
  stream.end("question");
  assertEquals(await exchange.body.readText(8), "question");
  await exchange.answer("6\r\nanswer\r\n0\r\n\r\n");
  assertEquals(await text, "answer");
});

Deno.test("A hundred requests share one HTTP/2 connection, and one that leaves ends alone", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target === "/stalled") return;
    const body = exchange.target;
    await exchange.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  const stalled = visitor.begin({ ":path": "/stalled", ":authority": tunnel.host });
  stalled.head.catch(() => {});
  stalled.text.catch(() => {});
  const exchange = await origin.next();
  assertEquals(exchange.target, "/stalled");
  const answers = await Promise.all(
    Array.from(
      { length: 100 },
      (_, i) => visitor.request({ ":path": `/${i}`, ":authority": tunnel.host }),
    ),
  );
  assertEquals(answers.map(({ text }) => text), answers.map((_, i) => `/${i}`));
  stalled.stream.close();
  await within(exchange.hangUp(), "the end of the request at the origin", CANCELLED_WITHIN);
  const { text } = await visitor.request({ ":path": "/after", ":authority": tunnel.host });
  assertEquals(text, "/after");
});

Deno.test("An HTTP/2 request whose authority and Host disagree is 400", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  const { status } = await visitor.request({
    ":path": "/",
    ":authority": tunnel.host,
    "host": tunnel.server.url.host,
  });
  assertEquals(status, 400);
  assertEquals(origin.requestCount, 0);
});

Deno.test("The server's own pages and the route by path are there over HTTP/2", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTLSTunnel(origin);
  await using visitor = visitorOf(tunnel);
  const authority = tunnel.server.url.host;
  const health = await visitor.request({ ":path": "/healthz", ":authority": authority });
  assertEquals(health.status, 200);
  const path = `/proxy/request/${tunnel.id}/x`;
  assertEquals((await visitor.request({ ":path": path, ":authority": authority })).text, "ok");
});

Deno.test("A visitor's WebSocket goes through over TLS", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTLSTunnel(origin);
  using visitor = await openWebSocket(`wss://127.0.0.1:${tunnel.server.url.port}/room`, {
    headers: { host: tunnel.host },
    ca: readCertificate(),
  });
  const { peer, request } = await origin.next();
  assertEquals(request.url, "/room");
  assertEquals(request.headers["x-forwarded-proto"], "https");
  visitor.send("up");
  assertEquals(await peer.next(), "up");
  peer.send(new Uint8Array(100_000));
  assertEquals(await visitor.next(), new Uint8Array(100_000));
  visitor.close(4000, "bye");
  assertEquals(await peer.closed, { code: 4000, reason: "bye" });
});

Deno.test("A visitor that speaks no TLS, or rubbish, to the TLS port harms nobody", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTLSTunnel(origin);
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x05rubbish", "\0".repeat(100)]) {
    using visitor = await RawHTTP.open(Number(tunnel.server.url.port));
    await visitor.send(bytes);
    await visitor.closeWrite();
    assert(!(await visitor.readToEnd()).startsWith("HTTP/1.1 200"));
    assertEquals((await request(tunnel, "/")).status, 200);
  }
});

function startTLSServer(): Promise<Program> {
  const { certFile, keyFile } = CERTIFICATE;
  return startServer(["--tls-cert", certFile, "--tls-key", keyFile]);
}

/** Starts a tunnel whose client trusts the server's certificate; a server that is given stays the caller's. */
async function startTLSTunnel(
  origin: { readonly port: number },
  running?: Program,
  env: Readonly<Record<string, string>> = { DENO_CERT: CERTIFICATE.certFile },
): Promise<Tunnel> {
  await using started = new AsyncDisposableStack();
  const server = running ?? started.use(await startTLSServer());
  const client = started.use(
    await Program.start("client.ts", [
      ...["--server", `https://127.0.0.1:${server.url.port}`],
      ...["--host", "127.0.0.1", "--port", `${origin.port}`],
    ], { env }),
  );
  return new Tunnel(server, client, started.move());
}

/** Connects as a visitor over TLS and HTTP/1.1. */
function openTLS(tunnel: Tunnel): Promise<RawHTTP> {
  return RawHTTP.openTLS(Number(tunnel.server.url.port), readCertificate());
}

async function request(tunnel: Tunnel, target: string) {
  using visitor = await openTLS(tunnel);
  return await visitor.exchange(tunnel.write(target));
}

function visitorOf(tunnel: Tunnel): HTTP2Visitor {
  return new HTTP2Visitor(Number(tunnel.server.url.port));
}
