import { assertEquals } from "@std/assert";
import { fragmentOf, parseRoute } from "../../../../lib/client/inspector/page/route.ts";

Deno.test("parseRoute reads what fragmentOf writes", () => {
  for (const route of [null, { id: 1, tab: "overview" }, { id: 12, tab: "raw" }] as const) {
    assertEquals(parseRoute(fragmentOf(route)), route);
  }
});

Deno.test("parseRoute takes an unknown view for the overview and all else for the list", () => {
  assertEquals(parseRoute("#/3/unknown"), { id: 3, tab: "overview" });
  for (const fragment of ["", "#", "#/0", "#/-1", "#/1e3", "#/1/raw/x", "#/9999999999999999"]) {
    assertEquals(parseRoute(fragment), null);
  }
});
