import { assertEquals } from "@std/assert";
import { NameCache } from "../../lib/wire/name_cache.ts";

const encoder = new TextEncoder();

Deno.test("NameCache tells each name, known or not, though others fall into its slot", () => {
  const cache = new NameCache();
  const names = Array.from({ length: 2000 }, (_, i) => `x-${i % 1000}-${i}`);
  for (let round = 0; round < 2; round++) {
    for (const name of names) {
      const octets = encoder.encode(`"${name}"`);
      assertEquals(cache.text(octets, 1, octets.length - 1), name);
    }
  }
});

Deno.test("NameCache tells names of any length", () => {
  const cache = new NameCache();
  for (const length of [0, 1, 64, 65, 16_384]) {
    const name = "n".repeat(length);
    for (let i = 0; i < 2; i++) assertEquals(cache.text(encoder.encode(name), 0, length), name);
  }
});
