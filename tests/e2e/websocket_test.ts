import { assert, assertEquals, assertLess } from "@std/assert";
import { LISTENER_KINDS } from "../../lib/server/listen/listener.ts";
import { Pattern } from "../testing/pattern.ts";
import { ScriptedOrigin } from "../testing/scripted_origin.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { startServer, startTunnel, type Tunnel } from "../testing/tunnel.ts";
import { HANDSHAKE, Opcode, webSocketFrame } from "../testing/websocket_frame.ts";
import { WebSocketOrigin } from "../testing/websocket_origin.ts";
import { accepting, echo, visitWebSocket } from "../testing/websocket_visit.ts";
import { within } from "../testing/within.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Milliseconds in which one side has to learn that the other vanished: a second, and what a busy machine adds. */
const NOTICED_WITHIN = 5_000;

for (const kind of LISTENER_KINDS) {
  Deno.test(`Text and binary messages stay apart, empty ones too (--listener ${kind})`, async () => {
    await using origin = await WebSocketOrigin.start();
    await using tunnel = await startTunnel({ origin, serverArgs: ["--listener", kind] });
    using visitor = await visitWebSocket(tunnel);
    using accepted = (await origin.next()).peer;
    const messages = ["text \u{1f980}", new Uint8Array([0xff, 0, 1]), "", new Uint8Array(0), "end"];
    for (const [from, to] of [[visitor, accepted], [accepted, visitor]] as const) {
      for (const message of messages) from.send(message);
      assertEquals(await to.nextOf(messages.length), messages);
    }
  });
}

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
    using visitor = await visitWebSocket(tunnel);
    assertEquals(await visitor.nextOf(2), whole);
  });
});

Deno.test("A thousand messages keep their order, both ways at once", async () => {
  const random = new SeededRandom();
  const messages = Array.from(
    { length: 1_000 },
    (_, i) => `${i} ${"x".repeat(random.integer(0, 2_000))}`,
  );
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  using visitor = await visitWebSocket(tunnel);
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
  using visitor = await visitWebSocket(tunnel);
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
        using visitor = await visitWebSocket(tunnel);
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
        using visitor = await visitWebSocket(tunnel);
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

Deno.test("A visitor that reads nothing holds the origin of its WebSocket back, and nobody else", async () => {
  /** Bytes of one message. */
  const LENGTH = 64 * KIB;
  const COUNT = 200 * MIB / LENGTH;
  /** Messages that may lie on the way: a window of 16 MiB, and what sockets and libraries buffer. */
  const MAX_ON_THE_WAY = 64 * MIB / LENGTH;
  const MAX_MEMORY = 200_000_000;
  await using origin = await WebSocketOrigin.start();
  await using tunnel = await startTunnel({ origin });
  using stalled = await visitWebSocket(tunnel);
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

Deno.test("A WebSocket whose origin reads nothing takes no memory from those of other tunnels", async () => {
  const LENGTH = 64 * KIB;
  /** Messages that are more than any server should hold for one visitor. */
  const COUNT = 300 * MIB / LENGTH;
  await using server = await startServer();
  await using stalledOrigin = await WebSocketOrigin.start();
  await using origin = await WebSocketOrigin.start();
  await using stalled = await startTunnel({ origin: stalledOrigin, server });
  await using tunnel = await startTunnel({ origin, server });
  using flood = await visitWebSocket(stalled);
  (await stalledOrigin.next()).peer.socket.pause();
  // It is ended at some point, which it may notice in the middle of a message, or held back.
  let sent = 0;
  const sending = (async () => {
    for (const message = new Uint8Array(LENGTH); sent < COUNT; sent++) await flood.sent(message);
  })();
  sending.catch(() => {});
  flood.closed.catch(() => {});
  for (let before = -1; before !== sent;) {
    before = sent;
    await assertEchoes(tunnel, origin);
  }
  // Where it could send all of them, they were dropped, and it is told so.
  if (sent === COUNT) assertEquals((await flood.closed).code, 1013);
  for (const length of [1_000, 20 * MIB]) await assertEchoes(tunnel, origin, "x".repeat(length), 3);
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
      [
        "a continuation without a message",
        webSocketFrame(Opcode.Continuation, "", { masked: true }),
      ],
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

/** Exchanges messages over a WebSocket of its own. */
async function assertEchoes(
  tunnel: Tunnel,
  origin: WebSocketOrigin,
  text = "hello",
  count = 100,
): Promise<void> {
  using visitor = await visitWebSocket(tunnel);
  echo((await origin.next()).peer);
  for (let i = 0; i < count; i++) {
    visitor.send(`${i} ${text}`);
    assert(await visitor.next() === `${i} ${text}`, "another message came back");
  }
}
