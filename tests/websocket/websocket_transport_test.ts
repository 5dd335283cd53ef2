import { assert, assertEquals, assertFalse } from "@std/assert";
import { SOCKET_HIGH_WATER } from "../../lib/wire/limits.ts";
import { type WebSocketLike, WebSocketTransport } from "../../lib/websocket/websocket_transport.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { framedPair } from "../testing/framed_pair.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { settled, turn } from "../testing/turn.ts";
import { TransportEnd } from "../testing/transport_end.ts";
import { webSocketPair } from "../testing/websocket_pair.ts";

Deno.test("WebSocketTransport delivers binary messages in order, either way", async () => {
  const [near, far] = MemorySocket.pair();
  const [a, b] = [endOf(near), endOf(far)];
  a.transport.send(new Uint8Array([1, 2]));
  a.transport.send(new Uint8Array([3]));
  b.transport.send(new Uint8Array([4]));
  await settled();
  assertEquals(b.messages, [bytes(1, 2), bytes(3)]);
  assertEquals(a.messages, [bytes(4)]);
  assertEquals([a.sent, b.sent], [3, 1]);
});

Deno.test("WebSocketTransport delivers a text message as an empty one, which nobody may send", async () => {
  const [near, far] = MemorySocket.pair();
  const listener = endOf(near);
  far.send("text");
  await settled();
  assertEquals(listener.messages, [bytes()]);
  await using framed = await framedPair();
  const other = endOf(framed.far);
  framed.near.send("text");
  await other.count(1);
  assertEquals(other.messages, [bytes()]);
});

Deno.test("WebSocketTransport is writable up to 1 MiB of unsent bytes and tells when it is again", () => {
  using clock = new FakeClock();
  const [near] = MemorySocket.pair();
  const listener = endOf(near);
  near.hold();
  near.send(new Uint8Array(SOCKET_HIGH_WATER - 1));
  assert(listener.transport.writable);
  near.send(new Uint8Array(1));
  assertFalse(listener.transport.writable);
  listener.transport.notifyDrain();
  listener.transport.notifyDrain();
  clock.advance(1000);
  assertEquals(listener.drains, 0);
  near.release();
  clock.advance(1000);
  assertEquals([listener.drains, clock.pending], [1, 0]);
});

Deno.test("WebSocketTransport tells that nothing has come since much was sent, until something comes", async () => {
  using clock = new FakeClock();
  const [near, far] = MemorySocket.pair();
  const listener = endOf(near);
  listener.transport.send(new Uint8Array(16_383));
  clock.advance(60_000);
  assertEquals(listener.unheard, 0, "a socket takes so much at once");
  listener.transport.send(new Uint8Array(1));
  clock.advance(199);
  assertEquals(listener.unheard, 0);
  clock.advance(1);
  assertEquals(listener.unheard, 1);
  clock.advance(200);
  assertEquals(listener.unheard, 2);
  far.send(new Uint8Array(1));
  await settled();
  clock.advance(60_000);
  assertEquals([listener.unheard, clock.pending], [2, 0]);
});

Deno.test("WebSocketTransport.close tells its listener at once, once, and leaves no timer", async () => {
  using clock = new FakeClock();
  const [near, far] = MemorySocket.pair();
  const [a, b] = [endOf(near), endOf(far)];
  near.hold();
  a.transport.send(new Uint8Array(SOCKET_HIGH_WATER));
  a.transport.notifyDrain();
  a.transport.close("enough");
  a.transport.close("again");
  a.transport.send(new Uint8Array(1));
  assertEquals(a.closes, ["enough"]);
  assertEquals([clock.pending, a.transport.buffered], [0, 0]);
  near.release();
  await settled();
  assertEquals(b.messages.length, 1, "what was sent before arrives");
  assertEquals([a.closes.length, b.closes.length], [1, 1]);
});

Deno.test("WebSocketTransport.close ends the connection of a peer that does not answer within 5 s", async () => {
  using clock = new FakeClock();
  for (const isAnswered of [true, false]) {
    let terminated = 0;
    const [near] = MemorySocket.pair();
    const { transport } = endOf(Object.assign(near, { terminate: () => terminated++ }));
    if (!isAnswered) near.hold();
    transport.close("enough");
    await settled();
    clock.advance(4_999);
    assertEquals(terminated, 0);
    clock.advance(1);
    assertEquals([terminated, clock.pending], [isAnswered ? 0 : 1, 0]);
  }
});

Deno.test("WebSocketTransport tells the close reason of its peer, or how the connection ended", async () => {
  for (
    const [end, expected] of [
      [(far: MemorySocket) => far.close(1000, "bye"), /^bye$/],
      [(far: MemorySocket) => far.close(1001), /1001/],
      [(far: MemorySocket) => far.cut(), /cut/],
    ] as const
  ) {
    const [near, far] = MemorySocket.pair();
    const listener = endOf(near);
    end(far);
    await settled();
    assertEquals(listener.closes.length, 1);
    assert(expected.test(listener.closes[0] ?? ""), listener.closes[0]);
  }
});

Deno.test("WebSocketTransport.soon runs a task after all that this turn brings", async () => {
  const [near, far] = MemorySocket.pair();
  const listener = endOf(near);
  let seen = -1;
  listener.transport.soon(() => seen = listener.messages.length);
  far.send(new Uint8Array([1]));
  far.send(new Uint8Array([2]));
  assertEquals(seen, -1);
  await turn();
  assertEquals(seen, 2);
});

Deno.test("WebSocketTransport speaks over a real WebSocket, whichever library it is of", async () => {
  await using pair = await webSocketPair();
  const [near, far] = [endOf(pair.near), endOf(pair.far)];
  const large = crypto.getRandomValues(new Uint8Array(60_000));
  near.transport.send(large);
  far.transport.send(large);
  await near.count(1);
  await far.count(1);
  assertEquals(near.messages[0], large);
  assertEquals(far.messages[0], large);
  near.transport.close("done");
  await far.closed;
  assertEquals(near.closes, ["done"]);
});

Deno.test("WebSocketTransport lets its bytes be changed once sent, though the socket is full", async () => {
  await using pair = await webSocketPair();
  const listeners = [endOf(pair.near), endOf(pair.far)];
  const rounds = 64;
  const buffer = new Uint8Array(128 * 1024);
  for (let round = 0; round < rounds; round++) {
    buffer.fill(round);
    for (const { transport } of listeners) transport.send(buffer);
  }
  buffer.fill(255);
  for (const listener of listeners) {
    await listener.count(rounds);
    listener.messages.forEach((message, round) =>
      assert(message.every((byte) => byte === round), `message ${round} was changed`)
    );
  }
});

function endOf(socket: WebSocketLike): TransportEnd {
  return new TransportEnd(new WebSocketTransport(socket));
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}
