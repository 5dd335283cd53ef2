import { assertEquals, assertStrictEquals } from "@std/assert";
import { KnownAuthorities } from "../../lib/server/known_authorities.ts";

Deno.test("KnownAuthorities reads a text once, and tells the same each time", () => {
  const known = new KnownAuthorities();
  const first = known.read("A.example:8080");
  assertEquals(first, { name: "a.example", port: 8080, isAddress: false });
  assertStrictEquals(known.read("A.example:8080"), first);
  assertEquals(known.read("a.example"), { name: "a.example", port: null, isAddress: false });
});

Deno.test("KnownAuthorities refuses what is no authority, however often it comes", () => {
  const known = new KnownAuthorities();
  for (let i = 0; i < 2; i++) assertEquals(known.read("a..example"), undefined);
});

Deno.test("KnownAuthorities reads rightly beyond what it remembers", () => {
  const known = new KnownAuthorities();
  for (let i = 0; i < 2500; i++) {
    assertEquals(known.read(`n${i}.example`)?.name, `n${i}.example`);
    assertEquals(known.read("first.example:1")?.port, 1);
  }
});
