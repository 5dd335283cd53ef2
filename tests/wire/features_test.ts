import { assertEquals } from "@std/assert";
import { decodeFeatures, FEATURES } from "../../lib/wire/features.ts";
import { MAX_FEATURE_LENGTH, MAX_FEATURES } from "../../lib/wire/limits.ts";

Deno.test("decodeFeatures takes a peer without a list for one without features", () => {
  assertEquals(decodeFeatures(undefined), []);
  assertEquals(decodeFeatures([]), []);
});

Deno.test("decodeFeatures keeps what this version has, once, and passes over the rest", () => {
  assertEquals(decodeFeatures([...FEATURES]), FEATURES);
  assertEquals(decodeFeatures(["later", ...FEATURES, "2", ...FEATURES, "a-b"]), FEATURES);
});

Deno.test("decodeFeatures bounds the list and its names", () => {
  const longest = "x".repeat(MAX_FEATURE_LENGTH);
  assertEquals(decodeFeatures(new Array(MAX_FEATURES).fill(longest)), []);
  assertEquals(decodeFeatures(new Array(MAX_FEATURES + 1).fill("x")), undefined);
  assertEquals(decodeFeatures([`${longest}x`]), undefined);
});

Deno.test("decodeFeatures refuses anything but a list of names", () => {
  for (const list of [null, true, 1, "notices", {}, [1], [null], [""], ["A"], ["a b"], [["a"]]]) {
    assertEquals(decodeFeatures(list), undefined, JSON.stringify(list));
  }
});
