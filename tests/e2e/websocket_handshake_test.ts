import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { MessageHead, RawField } from "../testing/message_head.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { startTunnel } from "../testing/tunnel.ts";
import {
  acceptKey,
  HANDSHAKE,
  HANDSHAKE_KEY,
  Opcode,
  webSocketFrame,
} from "../testing/websocket_frame.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { accepting, echo, visitWebSocket } from "../testing/websocket_visit.ts";
import { within } from "../testing/within.ts";

/** Milliseconds in which one side has to learn that the other vanished: a second, and what a busy machine adds. */
const NOTICED_WITHIN = 5_000;

Deno.test("A WebSocket goes through the tunnel by its host and by its path", async (t) => {
  await using ws = await WebSocketOrigin.start();
  await using deno = serveEcho();
  for (const [name, port] of [["ws", ws.port], ["Deno.serve", deno.addr.port]] as const) {
    await using tunnel = await startTunnel({ origin: { port } });
    for (const route of ["host", "path"] as const) {
      await t.step(`${name}, by ${route}`, async () => {
        const prefix = route === "path" ? `/proxy/request/${tunnel.id}` : "";
        const host = route === "path" ? tunnel.server.url.host : tunnel.host;
        using visitor = await visitWebSocket(tunnel, `${prefix}/chat?room=1`, {
          headers: { host },
        });
        if (name === "ws") {
          const { peer, request } = await ws.next();
          assertEquals(request.url, "/chat?room=1");
          echo(peer);
        }
        visitor.send("hello");
        assertEquals(await visitor.next(), "hello");
      });
    }
  }
});

Deno.test("The origin chooses the subprotocol among those that the visitor offers", async (t) => {
  const list = "chat.v1, chat.v2, chat.v3";
  for (
    const [name, chosen, offer] of [
      ["the second", "chat.v2", list],
      ["the second of a list without blanks", "chat.v2", list.replaceAll(" ", "")],
      ["none", "", list],
    ] as const
  ) {
    await t.step(name, async () => {
      let offered: string | null = null;
      await using origin = ScriptedOrigin.start(async (exchange) => {
        offered = exchange.head.get("sec-websocket-protocol");
        const line = chosen === "" ? "" : `Sec-WebSocket-Protocol: ${chosen}\r\n`;
        await exchange.write(accepting(exchange.head.get("sec-websocket-key"), line));
        await exchange.hangUp();
      });
      await using tunnel = await startTunnel({ origin });
      using visitor = await tunnel.open();
      const protocols: RawField = ["Sec-WebSocket-Protocol", offer];
      await visitor.send(tunnel.write("/", { fields: [...HANDSHAKE, protocols] }));
      const { status, head } = await visitor.receive();
      assertEquals(status, 101);
      assertEquals(head.all("sec-websocket-protocol"), chosen === "" ? [] : [chosen]);
      assertEquals(offered, offer);
    });
  }
});

Deno.test("An origin's refusal of a WebSocket reaches the visitor with status, fields and body", async (t) => {
  for (
    const [status, field, value, body] of [
      [401, "WWW-Authenticate", 'Basic realm="tea"', "who are you?"],
      [302, "Location", "https://elsewhere.example/login?next=%2F", ""],
      [404, "X-Reason", "no such room", "<h1>No such room</h1>"],
      [200, "Content-Type", "text/html", "<p>This is a page."],
    ] as const
  ) {
    await t.step(`${status}`, async () => {
      await using origin = ScriptedOrigin.answering(
        `HTTP/1.1 ${status} No\r\n${field}: ${value}\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n` +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      );
      await using tunnel = await startTunnel({ origin });
      const answer = await tunnel.request("/", { fields: HANDSHAKE });
      assertEquals(answer.status, status);
      assertEquals(answer.head.get(field), value);
      assertEquals(answer.head.all("set-cookie"), ["a=1", "b=2"]);
      assertEquals(answer.text, body);
    });
  }
});

Deno.test("A WebSocket is 502 when its origin is down or answers no valid handshake", async (t) => {
  await t.step("down", async () => {
    const origin = ScriptedOrigin.start();
    await origin[Symbol.asyncDispose]();
    await using tunnel = await startTunnel({ origin });
    const { status, text } = await tunnel.request("/", { fields: HANDSHAKE });
    assertEquals(status, 502);
    assertMatch(text, /service|origin/i);
  });
  // RFC 6455 section 4.1: a client fails the connection at each of these.
  for (
    const [name, answer] of [
      ["a wrong accept", () => accepting("d3JvbmcgYnV0IHJpZ2h0IQ==")],
      ["no accept", () => "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
      [
        "a subprotocol that nobody offered",
        (key: string | null) => accepting(key, "Sec-WebSocket-Protocol: unheard.of\r\n"),
      ],
      ["rubbish", () => "220 mail.example ESMTP\r\n\r\n"],
    ] as const
  ) {
    await t.step(name, async () => {
      await using origin = ScriptedOrigin.start(async (exchange) => {
        await exchange.write(answer(exchange.head.get("sec-websocket-key")));
        await exchange.hangUp();
      });
      await using tunnel = await startTunnel({ origin });
      assertEquals((await tunnel.request("/", { fields: HANDSHAKE })).status, 502);
    });
  }
});

Deno.test("The handshake's other fields reach the origin, and those of its 101 the visitor", async () => {
  let seen: MessageHead | undefined;
  await using origin = ScriptedOrigin.start(async (exchange) => {
    seen = exchange.head;
    const lines = "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-Room: \u00e9\r\n";
    await exchange.write(accepting(exchange.head.get("sec-websocket-key"), lines));
    await exchange.hangUp();
  });
  await using tunnel = await startTunnel({ origin });
  using visitor = await tunnel.open();
  const own: RawField[] = [
    ["Origin", "https://page.example"],
    ["Cookie", "session=1; theme=dark"],
    ["X-Custom", "one \u00e9"],
    ["Authorization", "Bearer abc"],
  ];
  await visitor.send(tunnel.write("/", { fields: [...HANDSHAKE, ...own] }));
  const { status, head } = await visitor.receive();
  assertEquals(status, 101);
  assertEquals(head.all("set-cookie"), ["a=1; Path=/", "b=2"]);
  assertEquals(head.get("x-room"), "\u00e9");
  assertEquals(head.get("sec-websocket-accept"), acceptKey(HANDSHAKE_KEY));
  for (const [name, value] of own) assertEquals(seen?.all(name), [value]);
  assertEquals(seen?.all("host"), [tunnel.host]);
  assertEquals(seen?.all("x-forwarded-for"), ["127.0.0.1"]);
  // Nothing is invented.
  const known = [...HANDSHAKE, ...own].map(([name]) => name.toLowerCase());
  const forwarded = [
    "forwarded",
    "host",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
  ];
  assertEquals(seen?.names(), [...known, ...forwarded].sort());
});

Deno.test("A WebSocket's target reaches the origin byte for byte", async (t) => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  for (
    const target of [
      "//double//slash",
      "/a/../b/./c",
      "/%2F%2f/%zz;x='1'",
      "/?q=a|b&c={}[]^`\\",
      "/a?",
      "/*",
    ]
  ) {
    await t.step(target, async () => {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write(target, { fields: HANDSHAKE }));
      assertEquals((await visitor.receive()).status, 101);
      assertEquals((await origin.next()).request.url, target);
    });
  }
});

Deno.test("A message that comes in one piece with the origin's 101 is not lost", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    const hello = new TextDecoder().decode(webSocketFrame(Opcode.Text, "hello"));
    // The first octet is above U+007F, so that the frame is put together as Latin-1.
    await exchange.write(
      accepting(exchange.head.get("sec-websocket-key")) + `\u0081${hello.slice(1)}`,
    );
    await exchange.hangUp();
  });
  await using tunnel = await startTunnel({ origin });
  using visitor = await visitWebSocket(tunnel);
  assertEquals(await visitor.next(), "hello");
});

Deno.test("A visitor that offers compression gets a WebSocket that works", async () => {
  await using origin = await WebSocketOrigin.start({ perMessageDeflate: true });
  await using tunnel = await startTunnel({ origin });
  using visitor = await visitWebSocket(tunnel, "/", { perMessageDeflate: true });
  echo((await origin.next()).peer);
  const text = "again ".repeat(10_000);
  visitor.send(text);
  assertEquals(await visitor.next(), text);
});

Deno.test("A visitor that leaves before the origin accepts takes its request with it", async () => {
  await using origin = ScriptedOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const visitor = await tunnel.open();
  await visitor.send(tunnel.write("/", { fields: HANDSHAKE }));
  const exchange = await origin.next();
  visitor.close();
  await within(exchange.hangUp(), "the end of the handshake", NOTICED_WITHIN);
});

Deno.test("A WebSocket to an unknown tunnel is 404", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin, serverArgs: ["--acquire-timeout", "100ms"] });
  const host = tunnel.host.replace(tunnel.id, "nobody");
  assertEquals((await tunnel.request("/", { host, fields: HANDSHAKE })).status, 404);
  await assertRejects(() => visitWebSocket(tunnel, "/", { headers: { host } }), Error, "404");
});

/** Serves WebSockets as a service on Deno does. */
function serveEcho() {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.addEventListener("message", ({ data }) => socket.send(data));
    return response;
  });
}
