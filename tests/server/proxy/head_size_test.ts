import { assertEquals } from "@std/assert";
import { headSize } from "../../../lib/server/proxy/head_size.ts";

Deno.test("headSize counts the target, and each field with what HTTP/1.1 puts around it", () => {
  assertEquals(headSize("/", []), 1);
  assertEquals(headSize("/a?b", [["host", "x"], ["cookie", "a=b"]]), 4 + 4 + 1 + 4 + 6 + 3 + 4);
});
