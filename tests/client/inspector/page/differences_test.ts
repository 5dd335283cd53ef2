import { assertEquals } from "@std/assert";
import { SeededRandom } from "../../../testing/seeded_random.ts";
import { isSamePair, linePairs } from "../../../../lib/client/inspector/page/differences.ts";

Deno.test("linePairs puts what both have beside each other", () => {
  assertEquals(linePairs(["a", "b", "c", "d"], ["a", "x", "c", "y", "z", "d"]), [
    { left: "a", right: "a" },
    { left: "b", right: "x" },
    { left: "c", right: "c" },
    { left: null, right: "y" },
    { left: null, right: "z" },
    { left: "d", right: "d" },
  ]);
});

Deno.test("linePairs has every line of both sides once, in order", () => {
  const random = new SeededRandom();
  const lines = (count: number) =>
    Array.from({ length: count }, () => random.pick(["a", "b", "c"]));
  for (let round = 0; round < 200; round++) {
    const [left, right] = [lines(round % 9), lines(round % 7)];
    const pairs = linePairs(left, right);
    assertEquals(pairs.flatMap((pair) => pair.left ?? []), left);
    assertEquals(pairs.flatMap((pair) => pair.right ?? []), right);
    assertEquals(pairs.every(isSamePair), left.join() === right.join());
  }
});

Deno.test("linePairs compares long texts by their places", () => {
  const lines = (word: string) => Array.from({ length: 5000 }, (_, index) => `${word} ${index}`);
  assertEquals(linePairs(lines("a"), lines("b")).length, 5000);
});
