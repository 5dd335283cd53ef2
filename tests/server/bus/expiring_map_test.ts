import { assert, assertEquals } from "@std/assert";
import { ExpiringMap } from "../../../lib/server/bus/expiring_map.ts";
import { FakeClock } from "../../testing/fake_clock.ts";

Deno.test("ExpiringMap forgets each entry when its lifetime ends, and not before", () => {
  using clock = new FakeClock();
  const map = new ExpiringMap<string, number>(10);
  map.set("a", 1, 100);
  map.set("b", 2, 200);
  clock.advance(99);
  assertEquals([map.get("a"), map.get("b")], [1, 2]);
  clock.advance(1);
  assertEquals([map.get("a"), map.get("b")], [undefined, 2]);
  map.set("b", 3, 200);
  clock.advance(199);
  assertEquals(map.get("b"), 3);
  assertEquals([map.delete("b"), map.get("b"), map.delete("b")], [true, undefined, false]);
  assertEquals(clock.pending, 0);
});

Deno.test("ExpiringMap takes no new entry when it is full of ones that live, but keeps those it has current", () => {
  using clock = new FakeClock();
  const map = new ExpiringMap<string, number>(2);
  map.set("a", 1, 100);
  map.set("b", 2, 200);
  assertEquals(map.set("c", 3, 100), false);
  assertEquals([map.get("a"), map.get("b"), map.get("c")], [1, 2, undefined]);
  assert(map.set("a", 4, 100));
  clock.advance(100);
  assert(map.set("c", 3, 100));
  assertEquals([map.get("a"), map.get("b"), map.get("c")], [undefined, 2, 3]);
});

Deno.test("ExpiringMap finds room for a new entry wherever the ones that have ended are", () => {
  using clock = new FakeClock();
  const map = new ExpiringMap<number, number>(100);
  for (let i = 0; i < 99; i++) map.set(i, i, 1000);
  map.set(99, 99, 10);
  clock.advance(10);
  assert(map.set(100, 100, 10));
  assertEquals(map.size, 100);
});

Deno.test("ExpiringMap does not grow by what has ended, though nobody asks for it", () => {
  using clock = new FakeClock();
  const map = new ExpiringMap<number, number>(1_000_000);
  for (let i = 0; i < 10_000; i++) {
    map.set(i, i, 50);
    clock.advance(1);
  }
  assert(map.size <= 60, `${map.size}`);
});

Deno.test("ExpiringMap looks at four entries with each write", () => {
  using clock = new FakeClock();
  const map = new ExpiringMap<number, number>(100);
  for (let i = 0; i < 10; i++) map.set(i, i, 50);
  clock.advance(50);
  map.set(10, 10, 50);
  assertEquals(map.size, 7);
});
