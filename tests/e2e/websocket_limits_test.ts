import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { eventually } from "../testing/eventually.ts";
import { scrape } from "../testing/prometheus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { HANDSHAKE, Opcode, webSocketFrame } from "../testing/websocket_frame.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";

Deno.test("--max-visitor-websockets, --max-tunnel-websockets, --max-websockets: so many at once, then 429 or 503", async (t) => {
  const flags = {
    "--max-visitor-websockets": [429, "Your address has as many WebSockets"],
    "--max-tunnel-websockets": [503, "This tunnel has as many WebSockets"],
    "--max-websockets": [503, "This server has as many WebSockets"],
  } as const;
  for (const [flag, [status, sentence]] of Object.entries(flags)) {
    await t.step(flag, async () => {
      await using origin = await WebSocketOrigin.start();
      await using tunnel = await startTunnel({ origin, serverArgs: [flag, "1"] });
      using first = await visitWebSocket(tunnel);
      const { text, ...refused } = await askRaw(tunnel);
      assertEquals(refused.status, status);
      assertStringIncludes(text, sentence);
      await assertRejects(() => visitWebSocket(tunnel), Error, String(status));
      const reason = { reason: "websockets" };
      const { server } = tunnel;
      assertEquals((await scrape(server)).value("tunnel_requests_limited_total", reason), 2);
      first.close(1000);
      await first.closed;
      await eventually("room for another", async () => {
        using _next = await visitWebSocket(tunnel);
        return true;
      });
    });
  }
});

Deno.test("A handshake that its origin refuses takes no WebSocket's place", async () => {
  await using origin = await WebSocketOrigin.start({ verifyClient: () => false });
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-websockets", "1"] });
  for (let i = 0; i < 3; i++) await assertRejects(() => visitWebSocket(tunnel), Error, "401");
});

Deno.test("A visitor's WebSocket that ignores its close frame counts until it is closed", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--max-websockets", "1"] });
  using visitor = await openRaw(tunnel);
  const { peer } = await origin.next();
  peer.close(1000);
  await peer.closed;
  await assertRejects(() => visitWebSocket(tunnel), Error, "503");
  visitor.close();
  await eventually("room for another", async () => {
    using _next = await visitWebSocket(tunnel);
    return true;
  });
});

Deno.test("--websocket-idle-timeout: a visitor that answers no ping is given up, and its origin's connection is cut", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--websocket-idle-timeout", "500ms"],
  });
  using visitor = await openRaw(tunnel);
  const { peer } = await origin.next();
  assertEquals(await peer.closed, { code: 1006, reason: "" });
  assertStringIncludes(await visitor.readToEnd(), "\x89\x00", "a ping came before");
});

Deno.test("--websocket-idle-timeout: a visitor in the midst of a message when it is pinged goes on", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({
    origin,
    serverArgs: ["--websocket-idle-timeout", "6s"],
  });
  using visitor = await openRaw(tunnel);
  const { peer } = await origin.next();
  const message = webSocketFrame(Opcode.Text, "slow".repeat(20), { masked: true });
  await visitor.send(message.subarray(0, 50));
  assertEquals(await visitor.readNext(), "\x89\x00", "a ping");
  await visitor.send(message.subarray(50));
  assertEquals(await peer.next(), "slow".repeat(20));
  await visitor.send(webSocketFrame(Opcode.Pong, "", { masked: true }));
  await visitor.send(webSocketFrame(Opcode.Text, "still here", { masked: true }));
  assertEquals(await peer.next(), "still here");
});

/** Asks for a WebSocket by hand, and reads the answer. */
async function askRaw(tunnel: Tunnel): Promise<{ status: number; text: string }> {
  using visitor = await tunnel.open();
  const { status, text } = await visitor.exchange(requestTo(tunnel));
  return { status, text };
}

/** Opens a WebSocket by hand, which answers nothing by itself. */
async function openRaw(tunnel: Tunnel): Promise<RawHTTP> {
  const visitor = await tunnel.open();
  await visitor.send(requestTo(tunnel));
  await visitor.receiveHead();
  return visitor;
}

function requestTo({ host }: Tunnel): string {
  const lines = HANDSHAKE.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `GET / HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n`;
}
