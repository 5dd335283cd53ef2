import { assert, assertEquals, assertFalse } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { FrameBuffer, MAX_HEADER, Opcode } from "../../lib/websocket/encoder.ts";
import { SeededRandom } from "../testing/seeded_random.ts";

const HELLO = new TextEncoder().encode("Hello");

Deno.test("FrameBuffer writes the masked frames of RFC 6455 section 5.7", () => {
  for (
    const [opcode, expected] of [
      [Opcode.Text, "818537fa213d7f9f4d5158"],
      [Opcode.Pong, "8a8537fa213d7f9f4d5158"],
    ] as const
  ) {
    const buffer = new FrameBuffer(100);
    buffer.append(opcode, HELLO, 0x37fa213d);
    assertEquals(encodeHex(written(buffer)), expected);
  }
});

Deno.test("FrameBuffer writes each length in its shortest form", () => {
  for (
    const [length, header] of [
      [0, "8280"],
      [125, "82fd"],
      [126, "82fe007e"],
      [0xffff, "82feffff"],
      [0x1_0000, "82ff0000000000010000"],
      [0x10_0000, "82ff0000000000100000"],
    ] as const
  ) {
    const buffer = new FrameBuffer(length + MAX_HEADER);
    buffer.append(Opcode.Binary, new Uint8Array(length), 0x01020304);
    assertEquals(
      encodeHex(written(buffer).subarray(0, header.length / 2 + 4)),
      `${header}01020304`,
    );
    assertEquals(buffer.length, header.length / 2 + 4 + length);
  }
});

Deno.test("FrameBuffer masks every length at every alignment, and its payload alone", () => {
  const random = new SeededRandom();
  const source = random.bytes(100_007);
  const lengths = [...Array(301).keys(), 16_383, 16_384, 16_385, 32_770, 65_535, 65_536, 100_003];
  for (const length of lengths) {
    for (let before = 0; before < 4; before++) {
      const payload = source.subarray(before, before + length);
      const copy = payload.slice();
      const buffer = new FrameBuffer(length + before + 2 * MAX_HEADER);
      buffer.append(Opcode.Binary, source.subarray(0, before), 0);
      const start = buffer.length;
      const mask = random.uint32();
      buffer.append(Opcode.Binary, payload, mask);
      buffer.bytes.fill(0xee, buffer.length);
      const maskAt = buffer.length - length - 4;
      const bytes = written(buffer);
      assertEquals(new DataView(bytes.buffer).getUint32(maskAt), mask);
      const unmasked = bytes.slice(maskAt + 4).map((byte, i) =>
        byte ^ (bytes[maskAt + i % 4] ?? 0)
      );
      assert(same(unmasked, copy), `${length} bytes behind ${start}`);
      assert(same(payload, copy), "the payload itself was changed");
    }
  }
});

Deno.test("FrameBuffer tells what fits, and begins anew when it is cleared", () => {
  const buffer = new FrameBuffer(64);
  assert(buffer.fits(64 - MAX_HEADER));
  assertFalse(buffer.fits(65 - MAX_HEADER));
  buffer.append(Opcode.Binary, HELLO, 1);
  assertEquals(buffer.length, 6 + HELLO.length);
  assertFalse(buffer.fits(64 - MAX_HEADER));
  buffer.clear();
  assertEquals(buffer.length, 0);
  assert(buffer.fits(64 - MAX_HEADER));
});

Deno.test("FrameBuffer writes a server's frames without a mask", () => {
  for (
    const [length, header] of [[5, "8205"], [126, "827e007e"], [
      65_536,
      "827f0000000000010000",
    ]] as const
  ) {
    const buffer = new FrameBuffer(length + MAX_HEADER);
    const payload = new Uint8Array(length).fill(7);
    buffer.append(Opcode.Binary, payload, null);
    assertEquals(encodeHex(written(buffer)), header + encodeHex(payload));
  }
});

function written({ bytes, length }: FrameBuffer): Uint8Array {
  return bytes.subarray(0, length);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
