import { assert, assertEquals, assertLess, assertMatch, assertRejects } from "@std/assert";
import { Pattern } from "../testing/pattern.ts";
import type { MessageHead, RawField } from "../testing/message_head.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { startTunnel, type Tunnel } from "../testing/tunnel.ts";
import {
  acceptKey,
  HANDSHAKE,
  HANDSHAKE_KEY,
  Opcode,
  webSocketFrame,
} from "../testing/websocket_frame.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { openWebSocket, type VisitOptions, WebSocketPeer } from "../testing/websocket_peer.ts";
import { within } from "../testing/within.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

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
        using visitor = await visit(tunnel, `${prefix}/chat?room=1`, { headers: { host } });
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
  for (const [name, chosen] of [["the second", "chat.v2"], ["none", ""]] as const) {
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
      const protocols: RawField = ["Sec-WebSocket-Protocol", "chat.v1, chat.v2, chat.v3"];
      await visitor.send(tunnel.write("/", { fields: [...HANDSHAKE, protocols] }));
      const { status, head } = await visitor.receive();
      assertEquals(status, 101);
      assertEquals(head.all("sec-websocket-protocol"), chosen === "" ? [] : [chosen]);
      assertEquals(offered, "chat.v1, chat.v2, chat.v3");
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

Deno.test("Text and binary messages stay apart, empty ones too", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  using visitor = await visit(tunnel);
  using accepted = (await origin.next()).peer;
  const messages = ["text \u{1f980}", new Uint8Array([0xff, 0, 1]), "", new Uint8Array(0), "end"];
  for (const [from, to] of [[visitor, accepted], [accepted, visitor]] as const) {
    for (const message of messages) from.send(message);
    assertEquals(await to.nextOf(messages.length), messages);
  }
});

Deno.test("A message that comes in fragments arrives as one", async (t) => {
  const { Text, Binary, Continuation, Ping } = Opcode;
  const crab = new TextEncoder().encode("a\u{1f980}b");
  const fragments = (masked: boolean) => [
    webSocketFrame(Text, crab.subarray(0, 2), { fin: false, masked }),
    // A control frame may stand between fragments (RFC 6455 section 5.4).
    webSocketFrame(Ping, "still there?", { masked }),
    webSocketFrame(Continuation, "", { fin: false, masked }),
    webSocketFrame(Continuation, crab.subarray(2), { masked }),
    webSocketFrame(Binary, new Uint8Array([1]), { fin: false, masked }),
    webSocketFrame(Continuation, new Uint8Array([2]), { masked }),
  ];
  const whole = ["a\u{1f980}b", new Uint8Array([1, 2])];

  await t.step("from the visitor", async () => {
    await using origin = await WebSocketOrigin.start();
    await using tunnel = await startTunnel({ origin });
    using visitor = await tunnel.open();
    await visitor.send(tunnel.write("/", { fields: HANDSHAKE }));
    assertEquals((await visitor.receive()).status, 101);
    for (const frame of fragments(true)) await visitor.send(frame);
    assertEquals(await (await origin.next()).peer.nextOf(2), whole);
  });
  await t.step("from the origin", async () => {
    await using origin = ScriptedOrigin.start(async (exchange) => {
      await exchange.write(accepting(exchange.head.get("sec-websocket-key")));
      for (const frame of fragments(false)) await exchange.write(frame);
      await exchange.hangUp();
    });
    await using tunnel = await startTunnel({ origin });
    using visitor = await visit(tunnel);
    assertEquals(await visitor.nextOf(2), whole);
  });
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
  using visitor = await visit(tunnel);
  assertEquals(await visitor.next(), "hello");
});

Deno.test("A visitor that offers compression gets a WebSocket that works", async () => {
  await using origin = await WebSocketOrigin.start({ perMessageDeflate: true });
  await using tunnel = await startTunnel({ origin });
  using visitor = await visit(tunnel, "/", { perMessageDeflate: true });
  echo((await origin.next()).peer);
  const text = "again ".repeat(10_000);
  visitor.send(text);
  assertEquals(await visitor.next(), text);
});

Deno.test("A thousand messages keep their order, both ways at once", async () => {
  const random = new SeededRandom();
  const messages = Array.from(
    { length: 1_000 },
    (_, i) => `${i} ${"x".repeat(random.integer(0, 2_000))}`,
  );
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  using visitor = await visit(tunnel);
  using accepted = (await origin.next()).peer;
  for (const message of messages) {
    visitor.send(message);
    accepted.send(`back ${message}`);
  }
  const [there, back] = await Promise.all([accepted.nextOf(1_000), visitor.nextOf(1_000)]);
  assertEquals(there, messages);
  assertEquals(back, messages.map((message) => `back ${message}`));
});

Deno.test("Large messages pass both ways, whole", async (t) => {
  const pattern = new Pattern();
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  using visitor = await visit(tunnel);
  using accepted = (await origin.next()).peer;
  for (const length of [64 * KIB, 64 * KIB + 1, MIB, 20 * MIB]) {
    for (
      const [name, from, to] of [["up", visitor, accepted], ["down", accepted, visitor]] as const
    ) {
      await t.step(`${length} bytes ${name}`, async () => {
        const bytes = new Uint8Array(length);
        let at = 0;
        for (const piece of pattern.pieces(length)) {
          bytes.set(piece, at);
          at += piece.length;
        }
        from.send(bytes);
        const received = await to.next();
        assert(received instanceof Uint8Array);
        assertEquals(received.length, length);
        assert(pattern.matches(0, received), "the message was changed");
        from.send("\u{1f980}".repeat(length / 4));
        const text = await to.next();
        assert(text === "\u{1f980}".repeat(length / 4), "the text was changed");
      });
    }
  }
});

Deno.test("Close codes and reasons go both ways", async (t) => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  for (
    const [code, reason] of [
      [1000, "done"],
      [1001, "the page is left"],
      [1003, ""],
      [1008, "not so"],
      [1011, "an error"],
      [1013, "later"],
      [3000, "unauthorized"],
      [4999, ""],
      // The longest that a close frame holds: 123 bytes (RFC 6455 section 5.5).
      [4000, `${"\u00e9".repeat(61)}.`],
      [1005, ""],
    ] as const
  ) {
    for (const by of ["visitor", "origin"] as const) {
      await t.step(`${code} ${reason} by the ${by}`, async () => {
        using visitor = await visit(tunnel);
        using accepted = (await origin.next()).peer;
        const [from, to] = by === "visitor" ? [visitor, accepted] : [accepted, visitor];
        // What was sent before the close arrives before it.
        from.send("last words");
        if (code === 1005) from.close();
        else from.close(code, reason);
        assertEquals(await to.next(), "last words");
        assertEquals(await to.closed, { code, reason });
        // The other side echoes the code (RFC 6455 section 5.5.1).
        assertEquals((await from.closed).code, code);
      });
    }
  }
});

Deno.test("When either side of a WebSocket vanishes, the other ends", async (t) => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  for (const who of ["visitor", "origin"] as const) {
    for (const busy of [false, true]) {
      await t.step(`the ${who}, ${busy ? "in the middle of messages" : "idle"}`, async () => {
        using visitor = await visit(tunnel);
        using accepted = (await origin.next()).peer;
        const [from, to] = who === "visitor" ? [visitor, accepted] : [accepted, visitor];
        to.send("ready");
        await from.next();
        if (busy) { for (let i = 0; i < 100; i++) from.send("x".repeat(10_000)); }
        from.vanish();
        await within(to.closed, "the other side's end", NOTICED_WITHIN);
      });
    }
  }
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

Deno.test("A visitor that reads nothing holds the origin of its WebSocket back, and nobody else", async () => {
  /** Bytes of one message. */
  const LENGTH = 64 * KIB;
  const COUNT = 200 * MIB / LENGTH;
  /** Messages that may lie on the way: a window of 8 MiB, and what sockets and libraries buffer. */
  const MAX_ON_THE_WAY = 64 * MIB / LENGTH;
  const MAX_MEMORY = 200_000_000;
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  using stalled = await visit(tunnel);
  using sender = (await origin.next()).peer;
  stalled.socket.pause();
  let sent = 0;
  const sending = (async () => {
    const message = new Uint8Array(LENGTH);
    for (; sent < COUNT; sent++) {
      new DataView(message.buffer).setUint32(0, sent);
      await sender.sent(message);
    }
  })();
  sending.catch(() => {});
  // The sender has come to rest when nothing moves while others send a hundred messages to and fro.
  for (let before = -1; before !== sent;) {
    before = sent;
    await assertEchoes(tunnel, origin);
  }
  const heldBackAt = sent;
  for (const program of [tunnel.server, tunnel.client]) {
    const memory = await program.memory();
    if (memory !== null) assertLess(memory.peak, MAX_MEMORY);
  }
  stalled.socket.resume();
  for (let i = 0; i < COUNT; i++) {
    const message = await stalled.next();
    assert(message instanceof Uint8Array);
    assertEquals(new DataView(message.buffer).getUint32(0), i);
  }
  await sending;
  assertLess(heldBackAt, MAX_ON_THE_WAY, "the origin was not held back");
});

Deno.test("A visitor's WebSocket that breaks the protocol ends, and the tunnel goes on", async (t) => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  for (
    const [name, bytes] of [
      ["a reserved bit", new Uint8Array([0xc1, 0x80, 0, 0, 0, 0])],
      ["an unknown opcode", new Uint8Array([0x83, 0x80, 0, 0, 0, 0])],
      [
        "text that is not UTF-8",
        webSocketFrame(Opcode.Text, new Uint8Array([0xff]), { masked: true }),
      ],
      ["a continuation of nothing", webSocketFrame(Opcode.Continuation, "", { masked: true })],
      ["HTTP", new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ] as const
  ) {
    await t.step(name, async () => {
      using visitor = await tunnel.open();
      await visitor.send(tunnel.write("/", { fields: HANDSHAKE }));
      assertEquals((await visitor.receive()).status, 101);
      const { peer } = await origin.next();
      await visitor.send(bytes);
      await within(peer.closed, "the end at the origin", NOTICED_WITHIN);
      await visitor.readToEnd();
      await assertEchoes(tunnel, origin);
    });
  }
  assertEquals(tunnel.client.stdout.all.length, 1);
});

Deno.test("A WebSocket to an unknown tunnel is 404", async () => {
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  const host = tunnel.host.replace(tunnel.id, "nobody");
  assertEquals((await tunnel.request("/", { host, fields: HANDSHAKE })).status, 404);
  await assertRejects(() => visit(tunnel, "/", { headers: { host } }), Error, "404");
});

/** Opens a WebSocket as a visitor, by the tunnel's host. */
function visit(tunnel: Tunnel, target = "/", options: VisitOptions = {}): Promise<WebSocketPeer> {
  const headers = { host: tunnel.host, ...options.headers };
  return openWebSocket(`ws://127.0.0.1:${tunnel.server.url.port}${target}`, {
    ...options,
    headers,
  });
}

/** Exchanges a hundred messages over a WebSocket of its own. */
async function assertEchoes(tunnel: Tunnel, origin: WebSocketOrigin): Promise<void> {
  using visitor = await visit(tunnel);
  echo((await origin.next()).peer);
  for (let i = 0; i < 100; i++) {
    visitor.send(`${i}`);
    assertEquals(await visitor.next(), `${i}`);
  }
}

function echo({ socket }: WebSocketPeer): void {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** Serves WebSockets as a service on Deno does. */
function serveEcho() {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.addEventListener("message", ({ data }) => socket.send(data));
    return response;
  });
}

/** Returns an origin's 101 for a key, with more lines if need be. */
function accepting(key: string | null, lines = ""): string {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${acceptKey(key ?? "")}\r\n${lines}\r\n`;
}
