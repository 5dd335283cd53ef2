import { assertEquals } from "@std/assert";
import { ChurnMap, Specimens } from "../../lib/mux/v8_memory.ts";

Deno.test("ChurnMap keeps entries in the order in which they came, and gives each value once", () => {
  const map = new ChurnMap<number, { name: string }>();
  for (const key of [3, 1, 2]) map.set(key, { name: `${key}` });
  map.set(1, { name: "again" });
  assertEquals([...map], [[3, { name: "3" }], [1, { name: "again" }], [2, { name: "2" }]]);
  assertEquals([map.size, map.get(1), map.get(4)], [3, { name: "again" }, undefined]);

  assertEquals(map.take(1), { name: "again" });
  assertEquals(map.take(1), undefined);
  map.set(1, { name: "anew" });
  assertEquals([...map.keys()], [3, 2, 1]);
  assertEquals(map.takeAll(), [{ name: "3" }, { name: "2" }, { name: "anew" }]);
  assertEquals([map.size, [...map]], [0, []]);
});

Deno.test("ChurnMap lets entries be taken out while it is gone through", () => {
  const map = new ChurnMap<number, { key: number }>();
  for (let key = 0; key < 100; key++) map.set(key, { key });
  const seen: number[] = [];
  for (const [key] of map) {
    seen.push(key);
    map.take(key);
    map.take(key + 1);
  }
  assertEquals(seen, Array.from({ length: 50 }, (_, i) => i * 2));
  assertEquals(map.size, 0);
});

Deno.test("Specimens keeps the objects of the latest request and none of those before", () => {
  const specimens = new Specimens();
  assertEquals(specimens.kept, []);
  const request = {};
  const response = {};
  specimens.keep({}, {});
  specimens.keep(request, response);
  assertEquals(specimens.kept.length, 2);
  assertEquals(specimens.kept[0] === request && specimens.kept[1] === response, true);
});
