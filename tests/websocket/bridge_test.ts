import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { Budget } from "../../lib/mux/flow_control.ts";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { MAX_WEBSOCKET_MESSAGE, MESSAGE_COST } from "../../lib/wire/limits.ts";
import { WebSocketBridge } from "../../lib/websocket/bridge.ts";
import { bridged, type SocketKind, Talker } from "./bridged.ts";
import { framedPair } from "../testing/framed_pair.ts";
import { eventually } from "../testing/eventually.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { coded, frameOf, joined, openingOf, type SeenFrame } from "../testing/frame_peer.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { SessionAndPeer } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";
import { webSocketPair } from "../testing/websocket_pair.ts";
import { within } from "../testing/within.ts";

const { Pong, Reset, Window, WSMessage, WSRequest, WSTeardown, Data } = FrameType;

/** Close codes and reasons that either side may give; 1005 stands for a close frame without a code. */
const CLOSES: readonly (readonly [code: number, reason: string])[] = [
  [1000, ""],
  [1000, "done"],
  [1001, "going away"],
  [1005, ""],
  [1008, "policy"],
  [1011, "boom"],
  [3000, "as registered"],
  [4999, "é".repeat(61)],
];

for (const kind of ["memory", "real", "framed"] as const) {
  Deno.test(`WebSocketBridge keeps text and binary apart, and empty messages (${kind})`, async () => {
    await using pair = await bridged(kind);
    const messages = ["text", bytes(1, 2), "", bytes(), "\ufeffBOM", "é€😀\0", bytes(0xff)];
    for (const [from, to] of [[pair.visitor, pair.origin], [pair.origin, pair.visitor]] as const) {
      for (const message of messages) from.send(message);
      assertEquals(await to.count(messages.length), messages);
    }
  });

  Deno.test(`WebSocketBridge carries 5 MB in one message, and the order around it (${kind})`, async () => {
    await using pair = await bridged(kind);
    const large = randomBytes(5_000_000);
    for (const [from, to] of [[pair.visitor, pair.origin], [pair.origin, pair.visitor]] as const) {
      from.send("before");
      from.send(large);
      from.send("a".repeat(300_000));
      from.send("after");
      const [before, middle, text, after] = await to.count(4);
      assertEquals([before, after, text?.length], ["before", "after", 300_000]);
      assert(middle instanceof Uint8Array && sameBytes(middle, large));
    }
  });

  Deno.test(`WebSocketBridge keeps the order of many messages (${kind})`, async () => {
    await using pair = await bridged(kind);
    const texts = Array.from({ length: 3000 }, (_, i) => `message ${i}`);
    for (const text of texts) pair.origin.send(text);
    for (const text of texts) pair.visitor.send(text);
    assertEquals(await pair.visitor.count(texts.length), texts);
    assertEquals(await pair.origin.count(texts.length), texts);
  });

  for (const [code, reason] of CLOSES) {
    for (const from of ["visitor", "origin"] as const) {
      Deno.test(`WebSocketBridge carries close ${code} "${reason.slice(0, 13)}" from the ${from} (${kind})`, async () => {
        await using pair = await bridged(kind);
        const [closer, other] = from === "visitor"
          ? [pair.visitor, pair.origin]
          : [pair.origin, pair.visitor];
        closer.send("last words");
        if (code === 1005) closer.close();
        else closer.close(code, reason);
        assertEquals(await other.closed, { code, reason });
        assertEquals(other.messages, ["last words"]);
        await pair.finished;
        await settled();
        assertEquals([pair.server.session.load, pair.client.session.load], [0, 0]);
      });
    }
  }

  Deno.test(`WebSocketBridge makes the origin's connection vanish when the visitor does (${kind})`, async () => {
    await using pair = await bridged(kind);
    pair.visitor.send("hello");
    await pair.origin.count(1);
    pair.visitor.vanish();
    assert((await pair.origin.closed).code !== 1000);
    await pair.finished;
    assertEquals([pair.server.session.load, pair.client.session.load], [0, 0]);
  });

  Deno.test(`WebSocketBridge tells the visitor 1014 when the origin vanishes (${kind})`, async () => {
    await using pair = await bridged(kind);
    pair.origin.send("hello");
    await pair.visitor.count(1);
    pair.origin.vanish();
    assertEquals((await pair.visitor.closed).code, 1014);
    await pair.finished;
    assertEquals([pair.server.session.load, pair.client.session.load], [0, 0]);
  });

  Deno.test(`WebSocketBridge ends both sides with their session (${kind})`, async () => {
    await using pair = await bridged(kind);
    pair.server.session.close(ErrorCode.GoingAway, "stop");
    assertEquals((await pair.visitor.closed).code, 1014);
    await pair.origin.closed;
    await pair.finished;
  });

  Deno.test(`WebSocketBridge closes with 1011 where a close code is told that may not be sent (${kind})`, async () => {
    for (const code of [0, 999, 1004, 1006, 1015, 2999, 5000, 65535]) {
      await using end = await bridgeEnd(kind);
      end.peer.send(WSTeardown, { stream: 1, payload: coded(code, "made up") });
      assertEquals((await end.talker.closed).code, 1011, `told ${code}`);
    }
  });
}

for (const kind of ["memory", "real", "framed"] as const) {
  for (const side of ["visitor", "origin"] as const) {
    Deno.test(`WebSocketBridge closes with 1009 towards the ${side} that sends more than it may, with 1011 behind what came before towards the other (${kind})`, async () => {
      const limit = 100_000;
      await using pair = await bridged(kind, { maxMessage: limit });
      const [from, to] = side === "visitor"
        ? [pair.visitor, pair.origin]
        : [pair.origin, pair.visitor];
      const longest = randomBytes(limit);
      from.send("before");
      from.send(longest);
      from.send(randomBytes(5 * limit));
      from.send("after");
      assertEquals((await from.closed).code, 1009);
      assertEquals(await to.closed, {
        code: 1011,
        reason: `a message of more than ${limit} bytes`,
      });
      assertEquals(to.messages.length, 2);
      const [before, whole] = to.messages;
      assertEquals(before, "before");
      assert(whole instanceof Uint8Array && sameBytes(whole, longest));
      await pair.finished;
      await settled();
      assertEquals([pair.server.session.load, pair.client.session.load], [0, 0]);
    });
  }

  Deno.test(`WebSocketBridge counts a message's bytes, not its characters (${kind})`, async () => {
    await using pair = await bridged(kind, { maxMessage: 9 });
    for (const [from, to] of [[pair.visitor, pair.origin], [pair.origin, pair.visitor]] as const) {
      from.send("€€€");
      assertEquals(await to.count(1), ["€€€"]);
    }
    pair.visitor.send("€€€€");
    assertEquals((await pair.visitor.closed).code, 1009);
    await pair.finished;
  });
}

Deno.test("WebSocketBridge tells the origin of a message that is too long though the visitor never answers its close", async () => {
  const [outer, socket] = MemorySocket.pair();
  await using end = await bridgeEnd("memory", { sockets: [outer, socket], maxMessage: 10 });
  end.talker.send("hello");
  await settled();
  // The close frame does not get to the visitor.
  socket.hold();
  end.talker.send("x".repeat(11));
  await eventually("the close", () => socket.closeCalls.length > 0);
  assertEquals(socket.closeCalls, [1009]);
  const frames = end.peer.take().filter(({ type }) => type === WSMessage || type === WSTeardown);
  assertEquals(frames.map(({ type }) => type), [WSMessage, WSTeardown]);
  assertEquals(codeOf(frames[1]), 1011);
  end.peer.send(WSTeardown, { stream: 1, payload: coded(1011) });
  await settled();
  assertEquals(end.near.session.load, 0);
  socket.release();
  await settled();
});

Deno.test("WebSocketBridge frees the stream of a visitor that does not answer the close within 30 s", async () => {
  using clock = new FakeClock();
  const [outer, socket] = MemorySocket.pair();
  await using end = await bridgeEnd("memory", { sockets: [outer, socket] });
  socket.hold();
  end.peer.send(WSTeardown, { stream: 1, payload: coded(1000) });
  await settled();
  assertEquals([socket.closeCalls, end.near.session.load], [[1000], 1]);
  end.peer.take();
  for (let seconds = 0; seconds < 30; seconds += 10) {
    // What comes from the peer keeps the session itself alive.
    end.peer.send(Pong, { payload: new Uint8Array(8) });
    await settled();
    clock.advance(10_000);
  }
  await settled();
  assertEquals(end.near.session.load, 0);
  assertEquals(end.peer.takeNames().filter((name) => name !== "Ping"), ["Reset"]);
});

Deno.test("WebSocketBridge sends text in frames whose flags say so, cut to 64 KiB", async () => {
  await using end = await bridgeEnd("memory");
  end.talker.send("a".repeat(150_000));
  end.talker.send(bytes(1));
  await settled(10);
  const seen = end.peer.take().map(({ type, flags, payload }) => [type, flags, payload.length]);
  const More = FrameFlag.Text | FrameFlag.More;
  assertEquals(seen, [
    [WSMessage, More, 65536],
    [WSMessage, More, 65536],
    [WSMessage, FrameFlag.Text, 150_000 - 2 * 65536],
    [WSMessage, 0, 1],
  ]);
});

Deno.test("WebSocketBridge joins fragments and sends nothing before the last", async () => {
  await using end = await bridgeEnd("memory");
  const { talker, peer } = end;
  // Fragments may cut a character in two.
  const whole = new TextEncoder().encode("é€😀");
  for (const [at, byte] of whole.entries()) {
    const flags = FrameFlag.Text | (at === whole.length - 1 ? 0 : FrameFlag.More);
    await settled();
    assertEquals(talker.messages, []);
    peer.send(WSMessage, { stream: 1, flags, payload: bytes(byte) });
  }
  await talker.count(1);
  assertEquals(talker.messages, ["é€😀"]);
});

Deno.test("WebSocketBridge resets the stream and closes with 1011 for text that is not UTF-8", async () => {
  await using end = await bridgeEnd("memory");
  end.peer.send(WSMessage, { stream: 1, flags: FrameFlag.Text, payload: bytes(0x61, 0xff) });
  assertEquals((await end.talker.closed).code, 1011);
  assertEquals(await resetCode(end), ErrorCode.Protocol);
  assertEquals(end.near.end, undefined, "one stream, not the session");
});

Deno.test("WebSocketBridge resets the stream for a message of which one part alone is text", async () => {
  for (const first of [0, FrameFlag.Text]) {
    await using end = await bridgeEnd("memory");
    const last = FrameFlag.Text - first;
    end.peer.send(WSMessage, { stream: 1, flags: first | FrameFlag.More, payload: "a" });
    end.peer.send(WSMessage, { stream: 1, flags: last, payload: "b" });
    assertEquals((await end.talker.closed).code, 1011);
    assertEquals([await resetCode(end), end.talker.messages], [ErrorCode.Protocol, []]);
  }
});

Deno.test("WebSocketBridge resets the stream for body data instead of messages", async () => {
  await using end = await bridgeEnd("memory");
  end.peer.send(Data, { stream: 1, payload: "x" });
  await end.talker.closed;
  assertEquals(await resetCode(end), ErrorCode.Protocol);
});

Deno.test("WebSocketBridge leaves no socket open when the stream ends without a teardown", async () => {
  await using end = await bridgeEnd("memory");
  end.peer.send(Data, { stream: 1, flags: FrameFlag.EndStream });
  assertEquals((await end.talker.closed).code, 1011);
  assertEquals(await resetCode(end), ErrorCode.Protocol);
});

Deno.test("WebSocketBridge closes with 1009 and resets with TooLarge above 64 MiB", async () => {
  await using end = await bridgeEnd("memory");
  const { peer, near } = end;
  const length = 64 * 1024;
  // Handed over without a socket, every fragment is a view of this one buffer.
  const fragment = frameOf(WSMessage, {
    stream: 1,
    flags: FrameFlag.More,
    payload: new Uint8Array(length),
  });
  let credit = 256 * 1024;
  for (let sent = 0; sent <= MAX_WEBSOCKET_MESSAGE; sent += length) {
    while (credit < length + MESSAGE_COST) credit += creditOf(await peer.next(Window));
    credit -= length + MESSAGE_COST;
    near.session.onMessage(fragment);
    await settled(1);
  }
  assertEquals((await end.talker.closed).code, 1009);
  assertEquals(end.talker.messages, []);
  await settled();
  const reset = peer.take().find(({ type }) => type === Reset);
  assertEquals(codeOf(reset), ErrorCode.TooLarge);
});

Deno.test("WebSocketBridge holds little more than a message's bytes, whatever came around its parts", async () => {
  await using end = await bridgeEnd("memory");
  // A part of one byte in a transport message of 900 KB, which must not stay alive for it.
  const part = frameOf(WSMessage, { stream: 1, flags: FrameFlag.More, payload: "x" });
  const unknown = frameOf(0x7f, { payload: new Uint8Array(60_000) });
  const message = joined(part, ...new Array(15).fill(unknown));
  const before = Deno.memoryUsage().rss;
  const parts = 500;
  for (let i = 0; i < parts; i++) {
    end.near.session.onMessage(message.slice());
    await settled(1);
  }
  const held = Deno.memoryUsage().rss - before;
  assert(held < parts * message.length / 2, `${held} bytes for a message of ${parts}`);
});

Deno.test("WebSocketBridge closes with 1013 when messages come faster than the tunnel takes them", async () => {
  await using end = await bridgeEnd("memory", { window: 0, backlog: 10 * (MESSAGE_COST + 100) });
  for (let i = 0; i < 11; i++) end.talker.send("x".repeat(100));
  assertEquals((await end.talker.closed).code, 1013);
});

Deno.test("WebSocketBridge forwards nothing that came after a message it had to drop", async () => {
  const [outer, socket] = MemorySocket.pair();
  await using end = await bridgeEnd("memory", {
    window: 0,
    backlog: 3 * (MESSAGE_COST + 100),
    sockets: [outer, socket],
  });
  socket.hold();
  for (const name of ["one", "two", "six"]) outer.send(name.padEnd(100));
  outer.send("dropped".padEnd(100));
  await eventually("the close", () => socket.closeCalls.length > 0);
  assertEquals(socket.closeCalls, [1013]);
  end.peer.send(Window, { stream: 1, payload: bytes(0, 1, 0, 0) });
  await settled();
  // A socket that closes may still deliver what its peer had sent.
  outer.send("late".padEnd(100));
  await settled();
  const seen = end.peer.take().filter(({ type }) => type === WSMessage);
  const names = seen.map(({ payload }) => new TextDecoder().decode(payload).trim());
  assertEquals(names, ["one", "two", "six"]);
  socket.release();
});

Deno.test("WebSocketBridge gives the backlog back, whether messages go or their stream ends", async () => {
  const backlog = new Budget(1 << 20);
  for (const window of [1 << 20, 0]) {
    await using end = await bridgeEnd("memory", { window, budget: backlog });
    for (let i = 0; i < 5; i++) end.talker.send("x".repeat(1000));
    await settled();
    end.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.Cancelled) });
    await end.talker.closed;
    await settled();
    assertEquals(backlog.used, 0);
  }
});

Deno.test("WebSocketBridge writes what came before the other side vanished, however much came at once", async () => {
  await using end = await bridgeEnd("real");
  const messages = Array.from({ length: 20 }, (_, i) => `message ${i}`);
  const frames = messages.map((payload) =>
    frameOf(WSMessage, { stream: 1, flags: FrameFlag.Text, payload })
  );
  const reset = frameOf(Reset, { stream: 1, payload: coded(ErrorCode.Cancelled) });
  end.peer.sendBytes(joined(...frames, reset));
  assertEquals(await end.talker.count(messages.length), messages);
  assertEquals((await end.talker.closed).code, 1014);
});

Deno.test("WebSocketBridge does not wait for long for a socket that takes nothing after the other side has vanished", async () => {
  using clock = new FakeClock();
  const [outer, socket] = MemorySocket.pair();
  await using end = await bridgeEnd("memory", { sockets: [outer, socket] });
  socket.hold();
  const piece = new Uint8Array(60_000);
  for (let sent = 0; sent < 20; sent++) {
    end.peer.send(WSMessage, { stream: 1, payload: piece });
    await settled(10);
  }
  end.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.Cancelled) });
  await settled();
  clock.advance(1_999);
  await settled();
  assertEquals(socket.closeCalls, []);
  clock.advance(1);
  await settled();
  assertEquals(socket.closeCalls, [1014]);
  socket.release();
  await settled();
  clock.advance(1_000);
  await settled();
});

Deno.test("WebSocketBridge reads no more of the stream while its socket is full", async () => {
  const [outer, socket] = MemorySocket.pair();
  await using end = await bridgeEnd("memory", { sockets: [outer, socket] });
  socket.hold();
  const piece = new Uint8Array(60_000);
  let credit = 256 * 1024;
  for (let i = 0; i < 200; i++) {
    if (credit < piece.length + MESSAGE_COST) {
      await settled(10);
      for (const frame of end.peer.take()) credit += creditOf(frame);
    }
    if (credit < piece.length + MESSAGE_COST) break;
    credit -= piece.length + MESSAGE_COST;
    end.peer.send(WSMessage, { stream: 1, payload: piece });
    await settled();
  }
  const held = socket.bufferedAmount;
  assert(held > 1024 * 1024 && held < 1.2 * 1024 * 1024, `${held} bytes`);
  socket.release();
  await end.talker.count(20);
});

/** One bridge between a peer that speaks frames and a peer at its socket. */
async function bridgeEnd(
  kind: SocketKind,
  options: {
    readonly window?: number;
    readonly backlog?: number;
    readonly budget?: Budget;
    readonly sockets?: [MemorySocket, MemorySocket];
    readonly maxMessage?: number;
  } = {},
) {
  const { window = 1 << 20, backlog = 1 << 20, maxMessage = MAX_WEBSOCKET_MESSAGE } = options;
  await using stack = new AsyncDisposableStack();
  const near = stack.use(new SessionAndPeer("client"));
  near.peer.send(WSRequest, { stream: 1, payload: openingOf(window) });
  await settled();
  const [stream] = near.streams;
  if (stream === undefined) throw new Error("the stream did not arrive");
  const { talker, socket } = kind === "real"
    ? await realSocket(stack)
    : kind === "framed"
    ? await framedSocket(stack)
    : memorySocket(options.sockets ?? MemorySocket.pair());
  const bridge = new WebSocketBridge(socket, stream, {
    backlog: options.budget ?? new Budget(backlog),
    freeBacklog: 0,
    maxMessage,
  });
  const started = bridge.start();
  const rest = stack.move();
  return {
    talker,
    peer: near.peer,
    near,
    async [Symbol.asyncDispose]() {
      near.session.close(ErrorCode.None, "the test is over");
      await within(started, "the bridge to stop");
      await rest.disposeAsync();
    },
  };
}

function memorySocket([outer, socket]: [MemorySocket, MemorySocket]) {
  return { talker: new Talker(outer, () => outer.cut()), socket };
}

async function framedSocket(stack: AsyncDisposableStack) {
  const pair = stack.use(await framedPair());
  return { talker: new Talker(pair.near, () => pair.near.terminate()), socket: pair.far };
}

async function realSocket(stack: AsyncDisposableStack) {
  const pair = stack.use(await webSocketPair());
  return { talker: new Talker(pair.near, () => pair.near.terminate()), socket: pair.far };
}

async function resetCode(end: { readonly near: SessionAndPeer }): Promise<number> {
  await settled();
  return codeOf(end.near.peer.take().find(({ type }) => type === Reset));
}

function codeOf(frame: SeenFrame | undefined): number {
  if (frame === undefined) throw new Error("no Reset came");
  return new DataView(frame.payload.slice().buffer).getUint16(0);
}

function creditOf(frame: SeenFrame): number {
  if (frame.type !== Window) return 0;
  return new DataView(frame.payload.slice().buffer).getUint32(0);
}

function bytes(...values: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values);
}

/** Returns random bytes, in the pieces that WebCrypto gives at most. */
function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) crypto.getRandomValues(whole.subarray(at, at + 65536));
  return whole;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
