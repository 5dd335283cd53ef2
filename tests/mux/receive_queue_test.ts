import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { FrameFlag, FrameType } from "../../lib/wire/frame.ts";
import { ReceiveQueue } from "../../lib/mux/receive_queue.ts";
import { joined } from "../testing/frame_peer.ts";
import { SeededRandom } from "../testing/seeded_random.ts";

const { Data, WSMessage, WSTeardown } = FrameType;

Deno.test("ReceiveQueue gives back what was put in, in order", () => {
  const queue = new ReceiveQueue();
  assert(queue.empty);
  assertStrictEquals(queue.shift(), undefined);
  queue.push(WSMessage, FrameFlag.Text, text("one"));
  queue.push(WSMessage, 0, text("two"));
  queue.push(WSTeardown, 0, text("xx"));
  assertEquals(drain(queue), [[WSMessage, 2, "one"], [WSMessage, 0, "two"], [WSTeardown, 0, "xx"]]);
  assert(queue.empty);
});

Deno.test("ReceiveQueue copies small payloads out of their transport message and keeps large ones", () => {
  const queue = new ReceiveQueue();
  const message = new Uint8Array(128 * 1024);
  queue.push(Data, 0, message.subarray(0, 10));
  queue.push(Data, 0, message.subarray(10));
  const small = queue.shift();
  assert(small?.bytes.buffer !== message.buffer);
  assertStrictEquals(queue.shift()?.bytes.buffer, message.buffer);
});

Deno.test("ReceiveQueue joins small pieces of a body, so that many cost few objects", () => {
  const queue = new ReceiveQueue();
  for (let i = 0; i < 10_000; i++) queue.push(Data, 0, new Uint8Array([i & 0xff]));
  let chunks = 0;
  let length = 0;
  for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
    chunks++;
    for (const byte of chunk.bytes) assertStrictEquals(byte, length++ & 0xff);
  }
  assertEquals(length, 10_000);
  assert(chunks < 10, `${chunks} chunks`);
});

Deno.test("ReceiveQueue never joins across the end of a WebSocket message", () => {
  const queue = new ReceiveQueue();
  queue.push(WSMessage, FrameFlag.Text, text("a"));
  queue.push(WSMessage, FrameFlag.Text, text("b"));
  queue.push(WSMessage, FrameFlag.Text, text(""));
  queue.push(WSMessage, FrameFlag.Text, text("c"));
  assertEquals(drain(queue).map(([, , content]) => content), ["a", "b", "", "c"]);
});

Deno.test("ReceiveQueue.settle takes what waits out of its transport message when nothing was read since the last call", () => {
  const queue = new ReceiveQueue();
  const message = new Uint8Array(256 * 1024).map((_, i) => i % 251);
  for (let at = 0; at < 3; at++) queue.push(Data, 0, message.subarray(at * 5000, (at + 1) * 5000));
  queue.shift();
  queue.settle();
  const second = queue.shift();
  assertStrictEquals(second?.bytes.buffer, message.buffer, "it is read, and need not be copied");
  queue.settle();
  queue.settle();
  const third = queue.shift();
  assertEquals([third?.type, third?.flags, third?.cost], [Data, 0, 5000]);
  assertEquals(third?.bytes, message.subarray(10_000, 15_000));
  assertStrictEquals(third?.bytes.buffer.byteLength, 5000, "nothing else is kept in memory");
});

Deno.test("ReceiveQueue.settle leaves small payloads together, and what is most of its message where it is", () => {
  const queue = new ReceiveQueue();
  const large = new Uint8Array(64 * 1024);
  queue.push(Data, 0, large.subarray(0, 40 * 1024));
  for (let i = 0; i < 100; i++) queue.push(WSMessage, FrameFlag.Text, text(`${i}`));
  queue.settle();
  assertStrictEquals(queue.shift()?.bytes.buffer, large.buffer);
  const buffers = new Set<ArrayBuffer>();
  for (let chunk = queue.shift(); chunk; chunk = queue.shift()) buffers.add(chunk.bytes.buffer);
  assertStrictEquals(buffers.size, 1);
});

Deno.test("ReceiveQueue.clear forgets everything", () => {
  const queue = new ReceiveQueue();
  queue.push(Data, 0, text("gone"));
  queue.clear();
  assert(queue.empty);
  queue.push(Data, 0, text("new"));
  assertEquals(drain(queue), [[Data, 0, "new"]]);
});

Deno.test("ReceiveQueue loses, repeats and swaps nothing, whatever the sizes and the pace", () => {
  const random = new SeededRandom();
  const queue = new ReceiveQueue();
  const put: Uint8Array[] = [];
  const got: Uint8Array[] = [];
  for (let i = 0; i < 5000; i++) {
    if (random.integer(0, 9) < 6) {
      const bytes = random.bytes(random.pick([0, 1, 7, 100, 4095, 4096, 9000]));
      queue.push(Data, 0, bytes);
      put.push(bytes);
    } else {
      const chunk = queue.shift();
      if (chunk !== undefined) got.push(chunk.bytes);
    }
  }
  for (let chunk = queue.shift(); chunk; chunk = queue.shift()) got.push(chunk.bytes);
  assertEquals(joined(...got), joined(...put));
});

function drain(queue: ReceiveQueue): [type: number, flags: number, content: string][] {
  const seen: [number, number, string][] = [];
  for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
    seen.push([chunk.type, chunk.flags, new TextDecoder().decode(chunk.bytes)]);
  }
  return seen;
}

function text(content: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(content);
}
