import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CHROMIUM } from "../testing/browser.ts";
import { PageStory } from "../testing/page_story.ts";

const ignore = CHROMIUM === null;

Deno.test("Nothing that was recorded runs in the inspector's page", { ignore }, async (t) => {
  await using story = await PageStory.start();
  const { tunnel } = story;
  const markup = "<img src=x onerror=top.ran=1>";
  await tunnel.request(`/page?${markup.replaceAll(" ", "+")}`, {
    fields: [["X-Name", markup], ["Cookie", markup]],
  });
  const { id } = await story.inspector.ended();
  await using page = await story.open(`#/${id}/request`);

  await t.step("targets and fields are text", async () => {
    await page.sees(".fields td", markup);
    await page.sees(".detail h2", "onerror");
    assertEquals(await page.texts(".detail img"), []);
  });
  await t.step("HTML is text, and a page in a sandbox when that is wanted", async () => {
    await page.evaluate(`location.hash = "#/${id}/response"`);
    await page.sees(".code", "<h1>Fresh bread</h1>");
    await page.click(".body .chip", "page");
    await page.waits("the frame", "document.querySelector('iframe') !== null");
    const sandbox = "document.querySelector('iframe').getAttribute('sandbox')";
    assertEquals(await page.evaluate(sandbox), "");
    await page.waits(
      "the end of the frame's page",
      `performance.getEntriesByType("resource").some(({ name, responseEnd }) =>
        name.endsWith("/preview") && responseEnd > 0)`,
    );
    // What the frame does with it comes before the page is idle twice.
    await page.evaluate(
      "new Promise((done) => requestIdleCallback(() => requestIdleCallback(() => done())))",
    );
    assertEquals(await page.evaluate("window.ran"), undefined);
    assertEquals(await page.evaluate("document.title"), "tunnel inspector");
  });
  await t.step("nobody but the client was asked for anything", () => {
    const { origin } = new URL(story.inspector.url);
    const elsewhere = page.requested.filter((url) => !/^data:/.test(url)).filter((url) =>
      new URL(url).origin !== origin
    );
    assertEquals(elsewhere, []);
  });
  await t.step("code that got into the page as an attribute does not run", async () => {
    await page.evaluate(`(() => {
      const place = document.createElement("div");
      place.innerHTML = "<button onclick='window.ran = 1'></button>";
      document.body.append(place);
      place.firstChild.click();
      place.remove();
    })()`);
    assertEquals(await page.evaluate("window.ran"), undefined);
  });
  assertEquals(page.errors, []);
});

Deno.test("The inspector's page marks what is wrong in JSON", { ignore }, async () => {
  await using story = await PageStory.start();
  await story.tunnel.request("/broken");
  const { id } = await story.inspector.ended();
  await using page = await story.open(`#/${id}/response`);
  await page.sees(".trouble li", "line 1, column 9");
  await page.sees(".json mark", ",");
  await page.click(".json .fold");
  await page.sees(".json", "members");
});

Deno.test("The inspector's page follows the system's colours", { ignore }, async () => {
  await using story = await PageStory.start();
  const background = "getComputedStyle(document.documentElement).backgroundColor";
  await using light = await story.open();
  await using dark = await story.open("#/", { colors: "dark" });
  assertNotEquals(await light.evaluate(background), await dark.evaluate(background));
});

Deno.test(
  "At 390 pixels a detail lies over the list, and Back leads to it",
  { ignore },
  async () => {
    await using story = await PageStory.start();
    await story.tunnel.request(`/a/rather/long/path/${"of-many-parts/".repeat(9)}end?q=1`);
    await using page = await story.open("#/", { width: 390, height: 844 });
    await page.click(".row a");
    await page.sees(".detail h2", "/a/rather");
    const covers = `(() => {
    const { left, top, width, height } = document.querySelector(".detail").getBoundingClientRect();
    return left === 0 && top === 0 && width === innerWidth && height === innerHeight;
  })()`;
    await page.waits("the detail over the list", covers);
    for (const tab of ["Request", "Response", "Raw", "Overview"]) {
      await page.click(".tabs button", tab);
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 390);
    }
    await page.goBack();
    await page.waits("the list again, by Back", "document.querySelector('.detail') === null");
    await page.click(".row a");
    await page.sees(".detail h2", "/a/rather");
    await page.waits("the detail over the list again", covers);
    await page.click(".detail .back");
    await page.waits("the list again, by the button", "document.querySelector('.detail') === null");
  },
);

Deno.test("A list of 1,000 draws what can be seen, and stands still while it is read", {
  ignore,
}, async () => {
  await using story = await PageStory.start();
  await story.tunnel.request("/first");
  const { id } = await story.inspector.ended();
  for (let sent = 0; sent < 1000; sent += 100) {
    await story.inspector.replay(id, { times: 100, wait: true });
  }
  await using page = await story.open();
  await page.waits("the list", "document.querySelector('.rows')?.clientHeight === 28 * 1000");
  const drawn = Number(await page.evaluate("document.querySelectorAll('.row').length"));
  assert(drawn < 80, `${drawn} rows`);

  await page.evaluate("document.querySelector('.scroller').scrollTop = 28 * 500 + 5");
  const row = `(() => {
    const scroller = document.querySelector(".scroller").getBoundingClientRect();
    const row = document.elementFromPoint(scroller.left + 40, scroller.top + 100)?.closest("a");
    return row?.dataset.id + " at " + row?.getBoundingClientRect().top;
  })()`;
  await page.waits("rows there", `!${row}.startsWith("undefined")`);
  const before = await page.evaluate(row);
  await story.tunnel.request("/new-one");
  await page.sees(".unseen", "1 new");
  assertEquals(await page.evaluate(row), before);
  await page.click(".unseen");
  await page.sees(".row .target", "/new-one");
});
