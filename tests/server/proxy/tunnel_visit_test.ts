import { assertEquals } from "@std/assert";
import { headSize } from "../../../lib/server/proxy/tunnel_visit.ts";

Deno.test("headSize counts the target, and each field with what HTTP/1.1 puts around it", () => {
  assertEquals(headSize({ target: "/", fields: [] }), 1);
  const fields = [["host", "x"], ["cookie", "a=b"]] as const;
  assertEquals(headSize({ target: "/a?b", fields }), 4 + 4 + 1 + 4 + 6 + 3 + 4);
});
