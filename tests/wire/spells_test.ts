import { assertEquals } from "@std/assert";
import { spells } from "../../lib/wire/spells.ts";

Deno.test("spells compares all octets and no more", () => {
  const octets = new TextEncoder().encode("a-name");
  assertEquals(spells(octets, 0, 6, "a-name"), true);
  assertEquals(spells(octets, 2, 6, "name"), true);
  assertEquals(spells(octets, 0, 6, "a-namf"), false);
  assertEquals(spells(octets, 0, 6, "a-nam"), false);
  assertEquals(spells(octets, 0, 5, "a-name"), false);
});
