import { assertEquals } from "@std/assert";
import { type BrowserPage, CHROMIUM } from "../testing/browser.ts";
import { PageStory } from "../testing/page_story.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";

const ignore = CHROMIUM === null;

/** The rules of axe, as a script for a page. */
const AXE = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));

Deno.test("axe finds nothing serious in the inspector's page", { ignore }, async (t) => {
  await using story = await PageStory.start();
  const id = await story.sendWebhook('{"token": "x", "list": [{"a": 1}, {}]}', [
    ["X-Hub-Signature-256", "sha256=00"],
    ["Cookie", "a=b"],
  ]);
  const { ids: [again = 0] } = await story.inspector.replay(id, { wait: true });
  await story.tunnel.request("/page");
  await story.tunnel.request("/broken");
  {
    using visitor = await visitWebSocket(story.tunnel, "/live");
    visitor.send("hello");
    (await story.origin.socket()).close();
    await visitor.closed;
  }
  const { id: socket } = await story.inspector.ended("kind=websocket");

  const main: readonly View[] = [
    ["#/", ".row", "/webhook"],
    [`#/${again}/compare`, ".comparison .heads", "replay"],
    [`#/${id}`, ".body h3", "Response body"],
    [`#/${id}/edit`, ".editor button", "show and edit"],
  ];
  const others: readonly View[] = [
    [`#/${id}/request`, ".fields th", "cookie"],
    [`#/${id}/response`, ".body", "no such invoice"],
    [`#/${id}/raw`, ".code", "HTTP/1.1"],
    [`#/${id}/webhook`, ".webhook", "GitHub"],
    [`#/${socket}/messages`, ".message .line", "hello"],
    [`#/${socket}/edit`, ".editor", "from the visitor"],
  ];
  const cases = [
    { colors: "light", width: 1280, views: [...main, ...others] },
    { colors: "dark", width: 1280, views: [...main, ...others] },
    { colors: "light", width: 390, views: main },
    { colors: "dark", width: 390, views: main },
  ] as const;
  for (const { colors, width, views } of cases) {
    await t.step(`${colors}, ${width} pixels wide`, async () => {
      await using page = await story.open("#/", { colors, width });
      await page.evaluate(`${AXE}; undefined`);
      for (const [fragment, ...shown] of views) {
        await page.evaluate(`location.hash = "${fragment}"`);
        await page.sees(...shown);
        await page.waits("no animation", "document.getAnimations().length === 0");
        assertEquals(await findings(page), [], fragment);
      }
    });
  }
});

/** A view by the fragment of its URL, and what is seen where once it is there. */
type View = readonly [fragment: string, selector: string, text: string];

/** Returns what axe takes for serious, with the elements that it is about. */
async function findings(page: BrowserPage): Promise<readonly string[]> {
  const found = await page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" | ")))`);
  return Array.isArray(found) ? found.map(String) : [String(found)];
}
