import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { KeptBody, MAX_KEPT_BODY } from "../../../lib/client/inspector/kept_body.ts";
import { SeededRandom } from "../../testing/seeded_random.ts";

Deno.test("KeptBody keeps the beginning of a body and counts all of it", () => {
  const random = new SeededRandom();
  for (let round = 0; round < 20; round++) {
    const body = new KeptBody();
    const whole: Uint8Array[] = [];
    let grown = 0;
    for (let count = random.integer(1, 40); count > 0; count--) {
      const piece = random.bytes(random.integer(0, 20_000));
      whole.push(piece.slice());
      grown += body.add(piece);
      // What was given may be overwritten at once.
      piece.fill(0);
    }
    const sent = Buffer.concat(whole);
    const expected = sent.subarray(0, MAX_KEPT_BODY);
    assertEquals([body.size, body.kept], [sent.length, expected.length]);
    assert(expected.equals(body.bytes));
    assert(grown >= body.kept && grown <= MAX_KEPT_BODY);
    body.leaveShared();
    assert(expected.equals(body.bytes));
  }
});

Deno.test("KeptBody copies nothing more once it is full", () => {
  const body = new KeptBody();
  body.add(new Uint8Array(MAX_KEPT_BODY));
  // A piece that cannot be copied: every look at its octets throws.
  const unreadable = new Proxy(new Uint8Array(5), {
    get(bytes, key) {
      if (key === "length") return bytes.length;
      throw new Error(`copied by ${String(key)}`);
    },
  });
  assertEquals(body.add(unreadable), 0);
  assertEquals([body.size, body.bytes.length], [MAX_KEPT_BODY + 5, MAX_KEPT_BODY]);
});

Deno.test("KeptBody gives the chunks of a body that was dropped to the next, and what was read of it stays", () => {
  const first = new KeptBody();
  first.add(new Uint8Array(100_000).fill(1));
  const read = first.bytes;
  first.drop();
  const second = new KeptBody();
  second.add(new Uint8Array(90_000).fill(2));
  second.add(new Uint8Array(10_000).fill(3));
  assertEquals(read, new Uint8Array(100_000).fill(1));
  assertEquals(second.bytes, new Uint8Array(100_000).fill(2, 0, 90_000).fill(3, 90_000));
  assertEquals([first.kept, first.bytes.length, first.add(new Uint8Array(5))], [0, 0, 0]);
});

Deno.test("KeptBody takes a piece of a byte a hundred thousand times with one buffer", () => {
  const body = new KeptBody();
  const piece = new Uint8Array([7]);
  let grown = 0;
  for (let count = 0; count < 100_000; count++) grown += body.add(piece);
  assert(grown < 3 * 100_000);
  assert(body.bytes.every((octet) => octet === 7));
});
