import { assert, assertEquals, assertFalse } from "@std/assert";
import { SOCKET_HIGH_WATER } from "../../lib/tunnel/limits.ts";
import {
  type TransportListener,
  type WebSocketLike,
  WebSocketTransport,
} from "../../lib/tunnel/transport.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { settled, turn } from "../testing/turn.ts";
import { webSocketPair } from "../testing/websocket_pair.ts";
import { within } from "../testing/within.ts";

Deno.test("WebSocketTransport delivers binary messages in order, either way", async () => {
  const [near, far] = MemorySocket.pair();
  const [a, b] = [new Listener(near), new Listener(far)];
  a.transport.send(new Uint8Array([1, 2]));
  a.transport.send(new Uint8Array([3]));
  b.transport.send(new Uint8Array([4]));
  await settled();
  assertEquals(b.messages, [[1, 2], [3]]);
  assertEquals(a.messages, [[4]]);
  assertEquals([a.sent, b.sent], [3, 1]);
});

Deno.test("WebSocketTransport delivers a text message as an empty one, which nobody may send", async () => {
  const [near, far] = MemorySocket.pair();
  const listener = new Listener(near);
  far.send("text");
  await settled();
  assertEquals(listener.messages, [[]]);
});

Deno.test("WebSocketTransport is writable up to 1 MiB of unsent bytes and tells when it is again", () => {
  using clock = new FakeClock();
  const [near] = MemorySocket.pair();
  const listener = new Listener(near);
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

Deno.test("WebSocketTransport.close tells its listener at once, once, and leaves no timer", async () => {
  using clock = new FakeClock();
  const [near, far] = MemorySocket.pair();
  const [a, b] = [new Listener(near), new Listener(far)];
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

Deno.test("WebSocketTransport tells the close reason of its peer, or how the connection ended", async () => {
  for (
    const [end, expected] of [
      [(far: MemorySocket) => far.close(1000, "bye"), /^bye$/],
      [(far: MemorySocket) => far.close(1001), /1001/],
      [(far: MemorySocket) => far.cut(), /cut/],
    ] as const
  ) {
    const [near, far] = MemorySocket.pair();
    const listener = new Listener(near);
    end(far);
    await settled();
    assertEquals(listener.closes.length, 1);
    assert(expected.test(listener.closes[0] ?? ""), listener.closes[0]);
  }
});

Deno.test("WebSocketTransport.soon runs a task after all that this turn brings", async () => {
  const [near, far] = MemorySocket.pair();
  const listener = new Listener(near);
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
  const [near, far] = [new Listener(pair.near), new Listener(pair.far)];
  const large = crypto.getRandomValues(new Uint8Array(60_000));
  near.transport.send(large);
  far.transport.send(large);
  await near.count(1);
  await far.count(1);
  assertEquals(near.messages[0], [...large]);
  assertEquals(far.messages[0], [...large]);
  near.transport.close("done");
  await far.closed;
  assertEquals(near.closes, ["done"]);
});

Deno.test("WebSocketTransport lets its bytes be changed once sent, though the socket is full", async () => {
  await using pair = await webSocketPair();
  const listeners = [new Listener(pair.near), new Listener(pair.far)];
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

/** Notes what a transport tells. */
class Listener implements TransportListener {
  readonly transport: WebSocketTransport;
  readonly messages: number[][] = [];
  readonly closes: string[] = [];
  sent = 0;
  drains = 0;
  readonly #closed = Promise.withResolvers<void>();
  #arrived: () => void = () => {};

  constructor(socket: WebSocketLike) {
    socket.binaryType = "arraybuffer";
    this.transport = new WebSocketTransport(socket);
    this.transport.listen(this);
  }

  get closed(): Promise<void> {
    return within(this.#closed.promise, "the close");
  }

  async count(messages: number): Promise<void> {
    while (this.messages.length < messages) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrived = resolve;
      await within(promise, `message ${this.messages.length + 1}`);
    }
  }

  onMessage(message: Uint8Array): void {
    this.messages.push([...message]);
    this.#arrived();
  }

  onSent(bytes: number): void {
    this.sent += bytes;
  }

  onDrain(): void {
    this.drains++;
  }

  onClose(reason: string): void {
    this.closes.push(reason);
    this.#closed.resolve();
  }
}
