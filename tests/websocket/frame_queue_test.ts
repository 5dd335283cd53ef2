import { assert, assertEquals } from "@std/assert";
import { FrameQueue } from "../../lib/websocket/frame_queue.ts";
import { Opcode } from "../../lib/websocket/encoder.ts";
import { SeededRandom } from "../testing/seeded_random.ts";
import { unmasked } from "../testing/client_frames.ts";

Deno.test("FrameQueue is empty, then gives all that waits as one piece", () => {
  const queue = new FrameQueue();
  assertEquals([queue.next(), queue.length], [null, 0]);
  queue.append(Opcode.Binary, new Uint8Array([1, 2]));
  queue.append(Opcode.Pong, new Uint8Array([3]));
  const bytes = queue.next() ?? new Uint8Array();
  assertEquals([bytes.length, queue.length], [6 + 2 + 6 + 1, 15]);
  assertEquals(unmasked(bytes), [[Opcode.Binary, [1, 2]], [Opcode.Pong, [3]]]);
  queue.written(bytes.length);
  assertEquals([queue.next(), queue.length], [null, 0]);
});

Deno.test("FrameQueue leaves what is being written as it is while more is appended", () => {
  const queue = new FrameQueue();
  queue.append(Opcode.Binary, new Uint8Array([1]));
  const bytes = queue.next() ?? new Uint8Array();
  const before = bytes.slice();
  for (let i = 0; i < 100; i++) queue.append(Opcode.Binary, new Uint8Array(1_000));
  assertEquals(bytes, before);
  queue.written(3);
  assertEquals(queue.next()?.subarray(0, 4), before.subarray(3));
});

Deno.test("FrameQueue loses no byte, whatever is appended and however it is written", () => {
  const random = new SeededRandom();
  const queue = new FrameQueue();
  const sent: number[][] = [];
  const output: number[] = [];
  const write = (): void => {
    const bytes = queue.next();
    if (bytes === null) return;
    assert(bytes.length > 0);
    const count = random.integer(1, bytes.length);
    for (const byte of bytes.subarray(0, count)) output.push(byte);
    queue.written(count);
  };
  for (let i = 0; i < 100; i++) {
    const payload = random.bytes(random.pick([0, 5, 500, 9_000, 20_000]));
    sent.push([...payload]);
    queue.append(Opcode.Binary, payload);
    payload.fill(0);
    while (random.integer(0, 2) > 0) write();
  }
  while (queue.length > 0) write();
  assertEquals(queue.next(), null);
  assertEquals(unmasked(Uint8Array.from(output)).map(([, payload]) => payload), sent);
});
