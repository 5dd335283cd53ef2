import { assertEquals } from "@std/assert";
import { Tally } from "../../lib/net/tally.ts";

Deno.test("Tally counts each key, and all of them", () => {
  const tally = new Tally<string>();
  for (const key of ["a", "b", "a"]) tally.add(key);
  assertEquals([tally.count("a"), tally.count("b"), tally.count("c")], [2, 1, 0]);
  assertEquals([tally.size, tally.total], [2, 3]);
});

Deno.test("Tally forgets a key at zero, and counts nothing below it", () => {
  const tally = new Tally<string>();
  tally.add("a");
  tally.add("a");
  tally.remove("a");
  assertEquals([tally.count("a"), tally.size, tally.total], [1, 1, 1]);
  for (let i = 0; i < 3; i++) tally.remove("a");
  tally.remove("b");
  assertEquals([tally.count("a"), tally.size, tally.total], [0, 0, 0]);
});

Deno.test("Tally.clear forgets everything", () => {
  const tally = new Tally<string>();
  tally.add("a");
  tally.clear();
  assertEquals([tally.count("a"), tally.size, tally.total], [0, 0, 0]);
});

Deno.test("Tally.enter counts until it is left, and uncounts once however often that is said", () => {
  const tally = new Tally<string>();
  const leave = tally.enter("a");
  tally.enter("a");
  for (let i = 0; i < 3; i++) leave();
  assertEquals([tally.count("a"), tally.total], [1, 1]);
});
