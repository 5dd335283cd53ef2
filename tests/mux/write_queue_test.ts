import { assert, assertEquals, assertFalse } from "@std/assert";
import type { Batch } from "../../lib/mux/batch.ts";
import { FRAME_HEADER_LENGTH, FrameType } from "../../lib/wire/frame.ts";
import {
  BATCH_LENGTH,
  MAX_DATA_LENGTH,
  MAX_HEAD_LENGTH,
  MAX_TRANSPORT_MESSAGE,
  SOCKET_HIGH_WATER,
} from "../../lib/wire/limits.ts";
import { WebSocketTransport } from "../../lib/websocket/websocket_transport.ts";
import { type WaitingSender, WriteQueue } from "../../lib/mux/write_queue.ts";
import { frameOf, FramePeer } from "../testing/frame_peer.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { settled, turn } from "../testing/turn.ts";

const { Data, Window, HTTPRequest, Ping } = FrameType;

/** Bytes in front of an opening head, for which each frame has room left. */
const WINDOW_LENGTH = 4;

Deno.test("WriteQueue sends what one turn of the event loop brings as one message, in order", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  queue.control(Ping, 0, 0, bytes(8));
  queue.control(Data, 0, 1, bytes(5));
  queue.control(Window, 0, 1, bytes(4));
  assertEquals(peer.messageLengths, [], "nothing leaves within the turn");
  await settled();
  assertEquals(peer.messageLengths, [3 * FRAME_HEADER_LENGTH + 8 + 5 + 4]);
  assertEquals(peer.takeNames(), ["Ping", "Data", "Window"]);
});

Deno.test("WriteQueue sends nothing when there is nothing", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  queue.flush();
  await settled();
  assertEquals(peer.messageLengths, []);
});

Deno.test("WriteQueue is open until a batch is full, the socket is full, or somebody waits", async () => {
  using ends = setUp();
  const { queue, socket } = ends;
  assert(queue.open);
  for (let sent = 0; sent < BATCH_LENGTH; sent += MAX_DATA_LENGTH) {
    assert(queue.open);
    queue.control(Data, 0, 1, bytes(MAX_DATA_LENGTH));
  }
  assertFalse(queue.open, "the batch is full");
  await settled();
  assert(queue.open);

  queue.wait(new Sender(1, 1));
  assertFalse(queue.open, "somebody waits");
  await settled();
  assert(queue.open);

  socket.hold();
  fill(socket);
  assertFalse(queue.open, "the socket is full");
  socket.release();
  assert(queue.open);
});

Deno.test("WriteQueue sends control frames while body data waits for a full socket", async () => {
  using ends = setUp();
  const { queue, socket, peer } = ends;
  socket.hold();
  fill(socket);
  const before = socket.bufferedAmount;
  const sender = new Sender(1, MAX_DATA_LENGTH);
  queue.wait(sender);
  queue.control(Ping, 0, 0, bytes(8));
  await settled();
  assertEquals(sender.turns, 0);
  assertEquals(socket.bufferedAmount, before + FRAME_HEADER_LENGTH + 8);
  socket.release();
  await sender.done;
  await settled();
  const names = peer.takeNames();
  assertEquals(names.slice(names.indexOf("Ping")), ["Ping", "Data"]);
});

Deno.test("WriteQueue serves those that wait round and round, 64 KiB each", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  const senders = [1, 2, 3].map((stream) => new Sender(stream, 4 * MAX_DATA_LENGTH));
  for (const sender of senders) queue.wait(sender);
  await Promise.all(senders.map(({ done }) => done));
  await settled();
  const order = peer.take().map(({ stream }) => stream);
  assertEquals(order, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
});

Deno.test("WriteQueue lets a short message pass while long ones wait", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  const long = [1, 2].map((stream) => new Sender(stream, 40 * MAX_DATA_LENGTH));
  for (const sender of long) queue.wait(sender);
  await turn();
  const short = new Sender(3, 10);
  queue.wait(short);
  await Promise.all([short, ...long].map(({ done }) => done));
  await settled();
  const order = peer.take().map(({ stream }) => stream);
  const before = order.indexOf(3);
  assert(before < 10, `${before} frames went before it`);
});

Deno.test("WriteQueue hands no more than a batch and a frame to the socket in one turn", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  const sender = new Sender(1, 64 * MAX_DATA_LENGTH);
  queue.wait(sender);
  await sender.done;
  await settled();
  const largest = Math.max(...peer.messageLengths);
  assert(largest <= BATCH_LENGTH + FRAME_HEADER_LENGTH + MAX_DATA_LENGTH, `${largest}`);
});

Deno.test("WriteQueue never sends a message that its peer must refuse, however many heads come at once", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  for (let stream = 1; stream <= 20; stream++) {
    queue.control(HTTPRequest, 0, stream, bytes(MAX_HEAD_LENGTH));
  }
  await settled();
  assertEquals(
    peer.take().map(({ stream }) => stream),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  const largest = Math.max(...peer.messageLengths);
  assert(largest <= MAX_TRANSPORT_MESSAGE, `a message of ${largest} bytes`);
});

Deno.test("WriteQueue fills a message to the last byte that its peer takes", async () => {
  for (const [more, messages] of [[0, 1], [1, 2]] as const) {
    using ends = setUp();
    const { queue, peer } = ends;
    let rest = MAX_TRANSPORT_MESSAGE - WINDOW_LENGTH + more;
    for (let stream = 1; rest > 0; stream++) {
      const length = Math.min(rest - FRAME_HEADER_LENGTH, 200 * 1024);
      queue.control(HTTPRequest, 0, stream, bytes(length));
      rest -= length + FRAME_HEADER_LENGTH;
    }
    await settled();
    assertEquals(peer.messageLengths.length, messages);
  }
});

Deno.test("WriteQueue.forget takes a sender out and leaves the others", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  const [first, second] = [new Sender(1, 10), new Sender(2, 10)];
  queue.wait(first);
  queue.wait(second);
  queue.forget(first);
  queue.forget(first);
  await second.done;
  await settled();
  assertEquals(peer.take().map(({ stream }) => stream), [2]);
});

Deno.test("WriteQueue.close drops all that waits, and nothing is sent any more", async () => {
  using ends = setUp();
  const { queue, peer } = ends;
  const sender = new Sender(1, 10);
  queue.wait(sender);
  queue.control(Ping, 0, 0, bytes(8));
  queue.close();
  queue.control(Ping, 0, 0, bytes(8));
  queue.wait(sender);
  await settled();
  assertEquals([peer.messageLengths.length, sender.turns], [0, 0]);
});

/** Body data that waits for its turn. */
class Sender implements WaitingSender {
  turns = 0;
  readonly done: Promise<void>;
  #rest: number;
  #finish: () => void = () => {};

  constructor(readonly stream: number, length: number) {
    this.#rest = length;
    this.done = new Promise((resolve) => this.#finish = resolve);
  }

  appendTo(batch: Batch, limit: number): boolean {
    this.turns++;
    const length = Math.min(this.#rest, limit);
    batch.append(Data, 0, this.stream, bytes(length));
    this.#rest -= length;
    if (this.#rest === 0) this.#finish();
    return this.#rest > 0;
  }
}

function setUp() {
  const [socket, far] = MemorySocket.pair();
  const transport = new WebSocketTransport(socket);
  const queue = new WriteQueue(transport);
  transport.start({
    onMessage: () => {},
    onSent: () => {},
    onDrain: () => queue.flush(),
    onUnheard: () => {},
    onClose: () => {},
  });
  return {
    ...{ queue, socket, peer: new FramePeer(far) },
    [Symbol.dispose]: () => transport.close("the test is over"),
  };
}

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

/** Fills a held socket with frames up to the mark above which body data waits. */
function fill(socket: MemorySocket): void {
  while (socket.bufferedAmount < SOCKET_HIGH_WATER) {
    socket.send(frameOf(Data, { stream: 9, payload: bytes(MAX_DATA_LENGTH) }));
  }
}
