import { assert } from "@std/assert";
import { applyMask, MaskPool, WordBuffer } from "../../lib/websocket/mask.ts";
import { SeededRandom } from "../testing/seeded_random.ts";

Deno.test("applyMask masks a payload part by part as it would the whole, wherever it lies, and nothing beside it", () => {
  const random = new SeededRandom();
  for (let round = 0; round < 500; round++) {
    const length = random.pick([0, 1, 7, 8, 9, 63, 1_000]);
    const start = random.integer(0, 20);
    const mask = random.pick([0, random.uint32()]);
    const payload = random.bytes(length);
    const buffer = new WordBuffer(start + length + 20);
    buffer.bytes.fill(0xee);
    buffer.bytes.set(payload, start);
    for (let at = 0; at < length;) {
      const end = random.integer(at + 1, length);
      applyMask(buffer, { from: start + at, to: start + end }, mask, at);
      at = end;
    }
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, mask);
    const expected = buffer.bytes.map((_, at) => {
      const index = at - start;
      return index < 0 || index >= length ? 0xee : (payload[index] ?? 0) ^ (key[index % 4] ?? 0);
    });
    assert(expected.every((byte, at) => byte === buffer.bytes[at]), `${length} bytes at ${start}`);
  }
});

Deno.test("MaskPool draws masks of 32 bits that do not come again", () => {
  const pools = [new MaskPool(), new MaskPool()];
  const masks = new Set<number>();
  for (let i = 0; i < 3_000; i++) for (const pool of pools) masks.add(pool.next());
  // Of 6000 draws from 2^32 two are the same once in 240 times, and ten never.
  assert(masks.size > 5_990, `${masks.size}`);
  for (let bit = 0; bit < 32; bit++) assert([...masks].some((mask) => (mask >>> bit) & 1));
});
