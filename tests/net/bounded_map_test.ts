import { assert, assertEquals, assertFalse } from "@std/assert";
import { BoundedMap } from "../../lib/net/bounded_map.ts";

Deno.test("BoundedMap keeps so many entries, and forgets the one that was set longest ago", () => {
  const map = new BoundedMap<string, number>(3);
  for (const [i, key] of ["a", "b", "c", "d"].entries()) map.set(key, i);
  assertEquals([...map], [["b", 1], ["c", 2], ["d", 3]]);
  assertEquals([map.size, map.get("a"), map.get("d")], [3, undefined, 3]);
});

Deno.test("BoundedMap takes an entry that is set again for a new one", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  assertEquals([...map], [["a", 3], ["c", 4]]);
});

Deno.test("BoundedMap has room again for what was deleted", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  assert(map.delete("a"));
  assertFalse(map.delete("a"));
  map.set("c", 3);
  assert(map.has("b") && map.has("c") && !map.has("a"));
});
