import { assert, assertEquals } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import type { Program } from "../testing/program.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket } from "../testing/websocket_peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What a line says of a request. */
type Entry = Readonly<Record<string, string | number>>;

Deno.test("--access-log writes a line for each request when its answer is over, whatever the level", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    if (exchange.target !== "/long") return await exchange.answer(OK);
    await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await exchange.write("3\r\ndef\r\n0\r\n\r\n");
  });
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--access-log", "--log-level", "error", "--log-format", "json"],
  });
  await tunnel.request("/whole?q=1");
  await tunnel.request("/long");
  await tunnel.request("/", { host: tunnel.host.replace(tunnel.id, "nobody") });
  const entries = await entriesOf(tunnel.server, 3);
  assertEquals(entries.map(({ target, status, bytes }) => [target, status, bytes]), [
    ["/whole?q=1", 200, 2],
    ["/long", 200, 6],
    ["/", 404, entries[2]?.bytes ?? 0],
  ]);
  assertEquals(entries.map(({ reason }) => reason), [undefined, undefined, "unknown"]);
  for (const { method, host, visitor, milliseconds } of entries) {
    assertEquals([method, visitor], ["GET", "127.0.0.1"]);
    assert(typeof host === "string" && host.endsWith(`:${tunnel.server.url.port}`));
    assert(typeof milliseconds === "number" && milliseconds >= 0);
  }
  assertEquals(entries[0]?.tunnel, tunnel.url.hostname);
});

Deno.test("--access-log tells of a WebSocket at its end, with the bytes that its visitor got", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--access-log", "--log-format", "json"],
  });
  const opening = openWebSocket(socketUrl(tunnel), { headers: { host: tunnel.host } });
  const { peer } = await origin.next();
  using visitor = await opening;
  peer.send("caf\u00e9");
  peer.send(new Uint8Array(3));
  await visitor.nextOf(2);
  assertEquals(await entriesOf(tunnel.server, 0), []);
  visitor.close(1000, "");
  await visitor.closed;
  const [entry] = await entriesOf(tunnel.server, 1);
  assertEquals([entry?.status, entry?.bytes, entry?.tunnel], [101, 8, tunnel.url.hostname]);
});

Deno.test("Without --access-log no request is written", async () => {
  await using server = await startServer(["--log-level", "debug", "--log-format", "json"]);
  const url = `http://127.0.0.1:${server.url.port}/healthz`;
  assertEquals(await (await fetch(url)).text(), "ok\n");
  assertEquals(await entriesOf(server, 0), []);
});

function socketUrl(tunnel: Tunnel): string {
  return `ws://127.0.0.1:${tunnel.server.url.port}/`;
}

/** Reads what the server has written of requests to tunnels once there are so many. */
async function entriesOf(server: Program, count: number): Promise<Entry[]> {
  const read = (): Entry[] =>
    server.stderr.all.map((line) => JSON.parse(line))
      .filter(({ message, target }) => message === "request" && target !== "/proxy/subscribe");
  await eventually(`${count} lines`, () => read().length >= count);
  return read();
}
