import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { FramingError } from "../testing/byte_reader.ts";
import { CERTIFICATE } from "../testing/certificate.ts";
import { eventually } from "../testing/eventually.ts";
import { HTTP2Visitor } from "../testing/http2_visitor.ts";
import type { RawField } from "../testing/message_head.ts";
import type { WholeResponse } from "../testing/raw_http.ts";
import { Program } from "../testing/program.ts";
import { scrape } from "../testing/prometheus.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { TempDir } from "../testing/temp_dir.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";

const MIB = 1024 * 1024;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const LIMIT = 500_000;

/** Bytes by which a server may grow while it refuses a body without an end: far less than what is sent meanwhile. */
const MAX_GROWTH = 100 * 1024 * 1024;

Deno.test("--rate-limit: above it a tunnel's visitors get 429 and are told when to come again", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using folder = await TempDir.make();
  await using server = await startServer(["--rate-limit", "4/h"]);
  const clientArgs = ["--key", `${folder.path}/key.pem`];
  await using tunnel = await startTunnel({ origin, server, clientArgs });

  await t.step("all connections of the client together", async () => {
    const asked = Array.from({ length: 10 }, () => tunnel.request("/"));
    const statuses = (await Promise.all(asked)).map(({ status }) => status).toSorted();
    assertEquals(statuses, [...new Array(4).fill(200), ...new Array(6).fill(429)]);
  });
  await t.step("Retry-After is whole seconds until the next", async () => {
    const { head, text } = await tunnel.request("/");
    const seconds = Number(head.get("retry-after"));
    assert(Number.isInteger(seconds) && seconds > 800 && seconds <= 900, String(seconds));
    assertStringIncludes(text, "more requests than it may");
  });
  await t.step("a WebSocket counts as a request", async () => {
    const refused = await assertRejects(() => visitWebSocket(tunnel), Error);
    assertStringIncludes(refused.message, "429");
  });
  await t.step("another tunnel has a rate of its own", async () => {
    await using other = await startTunnel({ origin, server });
    assertEquals((await other.request("/")).status, 200);
  });
  await t.step("a client that connects again does not begin anew", async () => {
    await tunnel.client.stop();
    await using again = await startTunnel({ origin, server, clientArgs });
    assertEquals([again.host, (await again.request("/")).status], [tunnel.host, 429]);
  });
  await t.step("refusals are counted", async () => {
    const limited = { reason: "rate" };
    assertEquals((await scrape(server)).value("tunnel_requests_limited_total", limited), 9);
  });
});

Deno.test("--max-streams: requests and WebSockets at once, over all connections of a tunnel, then 503", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-streams", "2"] });
  const first = tunnel.request("/");
  const second = tunnel.request("/");
  const [one, two] = [await origin.next(), await origin.next()];
  const third = await tunnel.request("/");
  assertEquals([third.status, third.head.get("retry-after")], [503, "1"]);
  const socket = await assertRejects(() => visitWebSocket(tunnel), Error);
  assertStringIncludes(socket.message, "503");
  await one.answer(OK);
  await two.answer(OK);
  for (const { status } of await Promise.all([first, second])) assertEquals(status, 200);
  await eventually("room again", async () => {
    const response = tunnel.request("/");
    const exchange = await Promise.race([origin.next(), response.then(() => null)]);
    await exchange?.answer(OK);
    return (await response).status === 200;
  });
});

Deno.test("--max-visitor-streams: one visitor leaves room for the others, then 429", async () => {
  await using origin = ScriptedOrigin.start();
  const serverArgs = ["--max-visitor-streams", "1", "--trust-proxy", "loopback"];
  await using tunnel = await startTunnel({ origin, serverArgs });
  const from = (address: string) => tunnel.request("/", { fields: [["X-Forwarded-For", address]] });
  const first = from("192.0.2.1");
  const one = await origin.next();
  const refused = await from("192.0.2.1");
  assertEquals([refused.status, refused.head.get("retry-after")], [429, "1"]);
  const other = from("192.0.2.2");
  const two = await origin.next();
  await one.answer(OK);
  await two.answer(OK);
  for (const { status } of await Promise.all([first, other])) assertEquals(status, 200);
});

Deno.test("--max-streams: an open WebSocket counts", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-streams", "1"] });
  using _visitor = await visitWebSocket(tunnel);
  assertEquals((await tunnel.request("/")).status, 503);
});

Deno.test("--max-body: a body may have so many bytes, announced or not", async (t) => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    const length = await exchange.body.forEach(() => {});
    const text = String(length);
    await exchange.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    exchange.done();
  });
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-body", "500kb"] });

  await t.step("exactly so many", async () => {
    const response = await tunnel.request("/", { method: "POST", body: "x".repeat(LIMIT) });
    assertEquals([response.status, response.text], [200, `${LIMIT}`]);
    const chunked = await upload(tunnel, chunks(LIMIT) + LAST);
    assertEquals([chunked.status, chunked.text], [200, `${LIMIT}`]);
  });
  await t.step("one more, announced: refused before anything is sent on", async () => {
    const before = origin.requestCount;
    const { status, text } = await tunnel.request("/", {
      method: "POST",
      body: "x".repeat(LIMIT + 1),
    });
    assertEquals(status, 413);
    assertStringIncludes(text, `${LIMIT} bytes`);
    assertEquals(origin.requestCount, before);
  });
  await t.step("announced far too long, and nothing sent: refused at once", async () => {
    using visitor = await tunnel.open();
    await visitor.send(
      `POST / HTTP/1.1\r\nHost: ${tunnel.host}\r\nContent-Length: 99999999999\r\n\r\n`,
    );
    assertEquals((await visitor.receiveAll("POST")).status, 413);
  });
  await t.step("one more, in chunks", async () => {
    const { status } = await upload(tunnel, chunks(LIMIT) + chunks(1) + LAST);
    assertEquals(status, 413);
  });
  await t.step("refusals are counted, and the tunnel goes on", async () => {
    const limited = { reason: "body" };
    const counts = await scrape(tunnel.server);
    assertEquals(counts.value("tunnel_requests_limited_total", limited), 3);
    assertEquals((await tunnel.request("/", { method: "POST", body: "x" })).text, "1");
  });
});

Deno.test("--max-body: the origin sees a body that grew too long as broken off, never as complete", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-body", "500kb"] });
  const response = upload(tunnel, chunks(2 * LIMIT) + LAST);
  const exchange = await origin.next();
  const { code } = await assertRejects(() => exchange.body.forEach(() => {}), FramingError);
  assertEquals(code, "truncated");
  assertEquals((await response).status, 413);
});

Deno.test("--max-body: where the answer has begun, its connection is cut", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-body", "500kb"] });
  using visitor = await tunnel.open();
  await visitor.send(`${begin(tunnel)}${chunks(10)}`);
  const exchange = await origin.next();
  await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nso far");
  const { body } = await visitor.receive("POST");
  assertEquals(await body.readText(6), "so far");
  await visitor.send(chunks(LIMIT));
  assertEquals((await assertRejects(() => body.readAll(), FramingError)).code, "truncated");
});

Deno.test("--max-body: an upload without an end is refused, takes no memory and ends", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-body", "500kb"] });
  await tunnel.request("/");
  const before = await tunnel.server.memory();
  using visitor = await tunnel.open();
  await visitor.send(begin(tunnel));
  const piece = chunks(64 * 1024);
  const refused = visitor.receiveAll("POST");
  let isOver = false;
  while (!isOver) await visitor.send(piece).catch(() => isOver = true);
  assertEquals((await refused).status, 413);
  const after = await tunnel.server.memory();
  if (before !== null && after !== null) assertLess(after.peak - before.now, MAX_GROWTH);
  assertEquals((await tunnel.request("/")).status, 200);
});

Deno.test("--max-body: of a refused upload of 10 GB little is taken, though its sender goes on", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--max-body", "500kb"],
  });
  const fields = (length: number): RawField[] => [["Content-Length", `${length}`]];
  await t.step("it ends its connection long before that", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/", { method: "POST", fields: fields(10e9) }));
    const refused = visitor.receiveAll("POST");
    const piece = new Uint8Array(MIB);
    let sent = 0;
    for (let isOver = false; !isOver && sent < 200 * MIB;) {
      await visitor.send(piece).then(() => sent += piece.length, () => isOver = true);
    }
    assertEquals((await refused).status, 413);
    assertLess(sent, 100 * MIB);
  });
  await t.step("one that is little above the limit keeps its connection", async () => {
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/", { method: "POST", fields: fields(600_000) }));
    const refused = visitor.receiveAll("POST");
    await visitor.send(new Uint8Array(600_000));
    assertEquals((await refused).status, 413);
    assertEquals((await visitor.exchange(tunnel.write("/"))).status, 200);
  });
  assertEquals(origin.requestCount, 1);
});

Deno.test("--max-body: HTTP/2, with a length and without one", async (t) => {
  await using origin = ScriptedOrigin.answering(OK);
  await using server = await startServer([
    ...["--tls-cert", CERTIFICATE.certFile, "--tls-key", CERTIFICATE.keyFile],
    ...["--max-body", "500kb"],
  ]);
  await using client = await Program.start("client.ts", [
    ...["--server", `https://127.0.0.1:${server.url.port}`],
    ...["--host", "127.0.0.1", "--port", `${origin.port}`],
  ], { env: { DENO_CERT: CERTIFICATE.certFile } });
  const fields = { ":method": "POST", ":path": "/", ":authority": client.url.host };
  await using visitor = new HTTP2Visitor(Number(server.url.port));
  const send = async (length: number, isAnnounced: boolean): Promise<number> => {
    const own = isAnnounced ? { ...fields, "content-length": `${length}` } : fields;
    const { stream, head } = visitor.begin(own, { end: false });
    stream.end(new Uint8Array(length));
    return (await head).status;
  };
  for (const isAnnounced of [true, false]) {
    await t.step(isAnnounced ? "announced" : "not announced", async () => {
      assertEquals(await send(LIMIT, isAnnounced), 200);
      assertEquals(await send(LIMIT + 1, isAnnounced), 413);
      assertEquals(await send(10, isAnnounced), 200);
    });
  }
});

Deno.test("--max-head: a target and fields of more bytes are 431, for WebSockets too", async () => {
  await using origin = ScriptedOrigin.answering(OK);
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-head", "2kib"] });
  const long = "x".repeat(2048);
  assertEquals((await tunnel.request("/")).status, 200);
  const { status, text } = await tunnel.request("/", { fields: [["Cookie", long]] });
  assertEquals(status, 431);
  assertStringIncludes(text, "2048 bytes");
  assertEquals((await tunnel.request(`/${long}`)).status, 431);
  const headers = { host: tunnel.host, cookie: long };
  const refused = await assertRejects(() => visitWebSocket(tunnel, "/", { headers }), Error);
  assertStringIncludes(refused.message, "431");
  assertEquals(origin.requestCount, 1);
  const limited = { reason: "head" };
  assertEquals((await scrape(tunnel.server)).value("tunnel_requests_limited_total", limited), 3);
});

Deno.test("--max-message: a message may have so many bytes, each way, and a longer one ends its WebSocket", async (t) => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-message", "100kb"] });
  const longest = new Uint8Array(100_000).fill(7);
  for (const side of ["visitor", "origin"] as const) {
    await t.step(`the ${side} sends too much`, async () => {
      using visitor = await visitWebSocket(tunnel);
      const { peer } = await origin.next();
      const [from, to] = side === "visitor" ? [visitor, peer] : [peer, visitor];
      let received = 0;
      to.socket.addEventListener("message", () => received++);
      from.send(longest);
      assertEquals(await to.next(), longest);
      from.send("the last");
      from.send(new Uint8Array(1_000_000));
      from.send("too late");
      assertEquals(await to.next(), "the last");
      assertEquals((await from.closed).code, 1009);
      assertEquals((await to.closed).code, 1011);
      assertEquals(received, 2);
    });
  }
  await t.step("it is counted", async () => {
    const limited = { reason: "message" };
    assertEquals((await scrape(tunnel.server)).value("tunnel_requests_limited_total", limited), 2);
  });
});

const LAST = "0\r\n\r\n";

/** Writes the head of an upload in chunks. */
function begin(tunnel: Tunnel): string {
  return `POST / HTTP/1.1\r\nHost: ${tunnel.host}\r\nTransfer-Encoding: chunked\r\n\r\n`;
}

/** Writes so many bytes as one chunk. */
function chunks(length: number): string {
  return `${length.toString(16)}\r\n${"x".repeat(length)}\r\n`;
}

/** Sends a body as it stands, over a connection of its own. */
async function upload(tunnel: Tunnel, body: string): Promise<WholeResponse> {
  using visitor = await tunnel.open();
  return await visitor.exchange(begin(tunnel) + body, "POST");
}
