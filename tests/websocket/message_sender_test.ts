import { assert, assertEquals, assertFalse } from "@std/assert";
import { ErrorCode } from "../../lib/wire/errors.ts";
import { Budget } from "../../lib/mux/flow_control.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { MAX_WEBSOCKET_MESSAGE, MESSAGE_COST } from "../../lib/wire/limits.ts";
import { Backlog, MessageSender } from "../../lib/websocket/message_sender.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { coded, openingOf, u32 } from "../testing/frame_peer.ts";
import { SessionAndPeer } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";

const { Reset, Window, WSMessage, WSRequest, WSTeardown } = FrameType;

const KIB = 1024;

Deno.test("MessageSender lets nothing wait while the stream takes all", async () => {
  using near = new SessionAndPeer("client");
  const { sender, backlog } = await senderOn(near, 1 << 20);
  for (const word of ["one", "two", ""]) assert(sender.send(text(word), true));
  assertEquals(backlog.waiting, 0);
  await settled();
  assertEquals(messages(near), ["one", "two", ""]);
});

Deno.test("MessageSender keeps messages in order, and copies of what is part of more, until there is credit", async () => {
  using near = new SessionAndPeer("client");
  const { sender, backlog } = await senderOn(near, MESSAGE_COST + 3);
  const read = text("onetwosix");
  assert(sender.send(read.subarray(0, 3), true));
  assert(sender.send(read.subarray(3, 6), true));
  assert(sender.send(read.subarray(6, 9), true));
  assertEquals(backlog.waiting, 2 * (MESSAGE_COST + 3));
  await settled();
  assertEquals(messages(near), ["one"]);
  // The second is being written, and stays as it is until that is done; the third waits.
  read.fill(0, 6);
  near.peer.send(Window, { stream: 1, payload: u32(1 << 20) });
  await settled();
  assertEquals(messages(near), ["two", "six"]);
  assertEquals(backlog.waiting, 0);
});

Deno.test("MessageSender takes no more than the backlog has room for", async () => {
  using near = new SessionAndPeer("client");
  const { sender, backlog } = await senderOn(near, 0, 2 * (MESSAGE_COST + 1));
  assert(sender.send(text("a"), true));
  assert(sender.send(text("b"), true));
  assertFalse(sender.send(text("c"), true));
  assertEquals(backlog.waiting, 2 * (MESSAGE_COST + 1));
});

Deno.test("MessageSender is crowded above 1 MiB, and says when it is no more", async () => {
  using near = new SessionAndPeer("client");
  const { sender, told } = await senderOn(near, 0);
  for (let i = 0; i < 1024; i++) sender.send(new Uint8Array(KIB - MESSAGE_COST), false);
  assertFalse(sender.crowded);
  sender.send(new Uint8Array(KIB), false);
  assert(sender.crowded);
  near.peer.send(Window, { stream: 1, payload: u32(4 * KIB) });
  await settled();
  assertFalse(sender.crowded);
  assertEquals(told, ["room"]);
});

Deno.test("MessageSender closes its stream behind all that waits, with the first code", async () => {
  using near = new SessionAndPeer("client");
  const { sender, told } = await senderOn(near, 0);
  sender.send(text("last"), true);
  sender.close(1001, "going");
  sender.close(1006, "");
  await settled();
  assertEquals(near.peer.take().filter(({ type }) => type === WSTeardown), []);
  near.peer.send(Window, { stream: 1, payload: u32(1 << 20) });
  await settled();
  assertEquals(near.peer.take().map(({ type }) => type), [WSMessage, WSTeardown]);
  assertEquals(told, ["end"]);
});

Deno.test("MessageSender resets its stream for a connection that was cut", async () => {
  using near = new SessionAndPeer("client");
  const { sender, told } = await senderOn(near, 1 << 20);
  sender.close(1006, "");
  await settled();
  assertEquals(near.peer.take().map(({ type }) => type), [Reset]);
  assertEquals(told, ["end"]);
});

Deno.test("MessageSender gives up a stream that takes nothing before the close, and keeps nothing for it", async () => {
  for (const [code, patience] of [[1006, 2_000], [1001, 30_000 + (2 * (MESSAGE_COST + 4)) / 8]]) {
    using clock = new FakeClock();
    using near = new SessionAndPeer("client");
    const { sender, backlog, told } = await senderOn(near, 0);
    for (let i = 0; i < 2; i++) sender.send(text("lost"), true);
    sender.close(code ?? 0, "");
    for (let left = (patience ?? 0) - 1; left > 0; left -= 5_000) {
      // What comes from the peer keeps the session itself alive.
      near.peer.send(FrameType.Pong, { payload: new Uint8Array(8) });
      await settled();
      clock.advance(Math.min(left, 5_000));
    }
    await settled();
    assertEquals([backlog.waiting > 0, told], [true, []]);
    clock.advance(1);
    await settled();
    assertEquals(near.peer.take().map(({ type }) => type).filter((type) => type === Reset), [
      Reset,
    ]);
    assertEquals([backlog.waiting, told], [0, ["end"]]);
  }
});

Deno.test("MessageSender forgets what waits when its stream is over, and whatever comes then", async () => {
  using near = new SessionAndPeer("client");
  const { sender, backlog, told } = await senderOn(near, 0);
  for (let i = 0; i < 3; i++) sender.send(text("lost"), true);
  near.peer.send(Reset, { stream: 1, payload: coded(ErrorCode.Cancelled) });
  await settled();
  assertEquals(backlog.waiting, 0);
  assert(sender.send(text("late"), true));
  assertEquals(backlog.waiting, 0);
  sender.close(1000, "");
  assertEquals(told, ["end"]);
});

Deno.test("Backlog charges the shared budget with what waits beyond its free bytes", () => {
  const shared = new Budget(100);
  const backlog = new Backlog(shared, 10);
  assert(backlog.tryAdd(10));
  assertEquals(shared.used, 0);
  assert(backlog.tryAdd(60));
  assertEquals([shared.used, backlog.waiting], [60, 70]);
  backlog.remove(65);
  assertEquals([shared.used, backlog.waiting], [0, 5]);
});

Deno.test("Backlog leaves its free bytes to a socket when others have spent the budget", () => {
  const shared = new Budget(100);
  const flood = new Backlog(shared, 10);
  const calm = new Backlog(shared, 10);
  assert(flood.tryAdd(110));
  assertFalse(flood.tryAdd(1));
  assert(calm.tryAdd(10));
  assertFalse(calm.tryAdd(1));
  assertEquals([flood.waiting, calm.waiting], [110, 10], "what was refused does not count");
});

Deno.test("Backlog lets no socket have more than its largest message and a little waiting", () => {
  const backlog = new Backlog(new Budget(10 * MAX_WEBSOCKET_MESSAGE), 0);
  assert(backlog.tryAdd(MAX_WEBSOCKET_MESSAGE));
  assertFalse(backlog.tryAdd(MAX_WEBSOCKET_MESSAGE));
});

/** Makes a sender on a WebSocket's stream with so much credit. */
async function senderOn(near: SessionAndPeer, window: number, room = 1 << 24) {
  near.peer.send(WSRequest, { stream: 1, payload: openingOf(window) });
  await settled();
  const [stream] = near.streams;
  assert(stream !== undefined);
  const backlog = new Backlog(new Budget(room), 0);
  const told: string[] = [];
  const sender = new MessageSender(stream, backlog, {
    onRoom: () => told.push("room"),
    onEnd: () => told.push("end"),
  });
  return { sender, backlog, told };
}

function messages(near: SessionAndPeer): string[] {
  return near.peer.take().filter(({ type }) => type === WSMessage)
    .map(({ payload }) => new TextDecoder().decode(payload));
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value);
}
