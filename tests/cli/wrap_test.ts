import { assertEquals } from "@std/assert";
import { wrap } from "../../lib/cli/wrap.ts";

Deno.test("wrap breaks at spaces", () => {
  assertEquals(wrap("three short words", 11), ["three short", "words"]);
  assertEquals(wrap("fits", 4), ["fits"]);
  assertEquals(wrap("", 4), [""]);
});

Deno.test("wrap breaks a word that is longer than a line, and no other", () => {
  assertEquals(wrap("see /a/long/path", 8), ["see", "/a/long/", "path"]);
  assertEquals(wrap("nowhere to go", 0), ["nowhere to go"]);
});
