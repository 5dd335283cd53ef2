import { assertEquals } from "@std/assert";
import { buildPage, PAGES } from "../../../../.github/build_page.ts";

Deno.test("each program has the page that its sources make: `deno task page` builds it", async () => {
  for (const page of PAGES) {
    const isSame = await Deno.readTextFile(page.built) === await buildPage(page);
    assertEquals(isSame, true, `${page.built} is stale`);
  }
});
