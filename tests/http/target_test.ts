import { assertEquals } from "@std/assert";
import { pathOf, queryOf } from "../../lib/http/target.ts";

Deno.test("pathOf and queryOf cut a target at its first question mark, and lose nothing of it", () => {
  for (
    const [target, path, query] of [
      ["/a/b", "/a/b", ""],
      ["/a?b=c", "/a", "?b=c"],
      ["/a?", "/a", "?"],
      ["/?a?b", "/", "?a?b"],
      ["*", "*", ""],
      ["", "", ""],
    ] as const
  ) {
    assertEquals([pathOf(target), queryOf(target)], [path, query], target);
  }
});
