import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Batch } from "../../lib/mux/batch.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { frameOf, joined } from "../testing/frame_peer.ts";

Deno.test("Batch holds frames back to back", () => {
  const batch = new Batch();
  const bytes = new TextEncoder().encode("hello");
  batch.append(FrameType.Data, 1, 7, bytes);
  batch.append(FrameType.Ping, 0, 0, new Uint8Array(8));
  const expected = joined(
    frameOf(FrameType.Data, { flags: 1, stream: 7, payload: "hello" }),
    frameOf(FrameType.Ping, { payload: new Uint8Array(8) }),
  );
  assertEquals(batch.length, expected.length);
  assertEquals(batch.take(), expected);
  assertEquals(batch.length, 0);
});

Deno.test("Batch copies, so that the payload may change at once", () => {
  const batch = new Batch();
  const payload = new Uint8Array([1, 2, 3]);
  batch.append(FrameType.Data, 0, 1, payload);
  payload.fill(9);
  assertEquals(batch.take().subarray(10), new Uint8Array([1, 2, 3]));
});

Deno.test("Batch grows without losing what it held", () => {
  const batch = new Batch();
  const frames: Uint8Array[] = [];
  for (let i = 0; i < 20; i++) {
    const payload = new Uint8Array(i * 1000).fill(i);
    batch.append(FrameType.Data, 0, i + 1, payload);
    frames.push(frameOf(FrameType.Data, { stream: i + 1, payload }));
  }
  assertEquals(batch.take(), joined(...frames));
});

Deno.test("Batch uses its buffer again, but lets a large one go that is hardly used any more", () => {
  const batch = new Batch();
  const take = (bytes: number): ArrayBufferLike => {
    batch.append(FrameType.Data, 0, 1, new Uint8Array(bytes));
    return batch.take().buffer;
  };
  assertStrictEquals(take(100), take(100));
  const large = take(300_000);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 10; j++) assertStrictEquals(take(10), large);
    assertStrictEquals(take(200_000), large);
  }
  for (let i = 0; i < 20; i++) take(10);
  assert(take(10).byteLength < 64 * 1024);
});
