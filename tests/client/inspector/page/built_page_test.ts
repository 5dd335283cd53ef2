import { assertEquals } from "@std/assert";
import { buildPage, BUILT_PAGE } from "../../../../.github/build_page.ts";

Deno.test("the client has the page that its sources make: `deno task page` builds it", async () => {
  const isSame = await Deno.readTextFile(BUILT_PAGE) === await buildPage();
  assertEquals(isSame, true, "built_page.json is stale");
});
