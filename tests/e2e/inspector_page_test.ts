import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { eventually } from "../testing/eventually.ts";
import { visitWebSocket } from "../testing/websocket_visit.ts";
import { CHROMIUM } from "../testing/browser.ts";
import { PageStory } from "../testing/page_story.ts";

const ignore = CHROMIUM === null;

/** The part of a row that says what was asked for. */
const TARGETS = ".row .target";

Deno.test("The inspector's page lists, filters and opens what passes", { ignore }, async (t) => {
  await using story = await PageStory.start();
  const { tunnel } = story;
  await using page = await story.open();

  await t.step("an empty list says how to send the first request", async () => {
    await page.sees(".empty code", `curl ${tunnel.url.href.replace(/\/$/, "")}`);
    await page.click(".empty button", "copy");
    await page.sees(".empty button", "copied");
  });
  await t.step("it fills as requests come, the newest first", async () => {
    await tunnel.request("/one?token=abcdef");
    await page.sees(TARGETS, "/one");
    await tunnel.request("/");
    await page.waits("two rows", "document.querySelectorAll('.row').length === 2");
    assertEquals(await page.texts(TARGETS), ["/", "/one?token=••••••••"]);
    assertEquals(await page.texts(".row .status"), ["200", "404"]);
  });
  await t.step("a filter by text, status and method", async () => {
    await page.press("/");
    await page.fill("#filter", "one");
    await page.waits("one row", "document.querySelectorAll('.row').length === 1");
    await page.press("Escape");
    await page.click("button", "show all");
    await page.click(".chip", "2xx");
    await page.waits("one row", "document.querySelectorAll('.row').length === 1");
    assertEquals(await page.texts(TARGETS), ["/"]);
    await page.click(".chip", "WS");
    await page.sees(".empty", "None of the 2 recorded exchanges");
    await page.click(".empty button", "Show all");
    await page.waits("two rows", "document.querySelectorAll('.row').length === 2");
  });
  await t.step("keys move, open and close; Back undoes the opening", async () => {
    await page.press("j");
    await page.waits("the first row", "document.activeElement.textContent.includes('200')");
    await page.press("j", "Enter");
    await page.sees(".detail h2", "/one");
    const [newest, oldest] = (await story.inspector.list()).map(({ id }) => id);
    assertEquals(page.fragment, `#/${oldest}`);
    await page.press("k");
    await page.waits("the other one", `location.hash === "#/${newest}"`);
    await page.goBack();
    await page.waits("no detail", "document.querySelector('.detail') === null");
    await page.press("Enter");
    await page.sees(".detail h2", "/");
    await page.press("Escape");
    await page.waits("no detail", "document.querySelector('.detail') === null");
  });
  await t.step("secrets are covered until they are clicked, each by itself", async () => {
    const { id } = await story.inspector.ended("text=one");
    await page.evaluate(`location.hash = "#/${id}/request"`);
    await page.sees(".fields th", "token");
    assert(!(await page.texts(".detail")).join().includes("abcdef"));
    await page.click(".fields .secret");
    await page.sees(".fields .secret", "abcdef");
    assert(!(await page.texts(".detail h2")).join().includes("abcdef"));
    await page.press("Escape");
  });
  await t.step("p lets the list stand still, and says how many wait", async () => {
    await page.press("p");
    await tunnel.request("/while-paused");
    await page.sees("button", "paused, 1 new");
    assertEquals((await page.texts(TARGETS)).includes("/while-paused"), false);
    await page.press("p");
    await page.sees(TARGETS, "/while-paused");
  });
  await t.step("c forgets all of it", async () => {
    await page.press("c");
    await page.sees(".empty", "Nothing has come yet");
    assertEquals(await story.inspector.list(), []);
  });
  assertEquals(page.errors, []);
});

Deno.test("The inspector's page sends requests again", { ignore }, async (t) => {
  await using story = await PageStory.start();
  const { origin } = story;
  const id = await story.sendWebhook('{"invoice": 1}');
  await using page = await story.open(`#/${id}`);

  await t.step(
    "r: the origin is asked once more, and both answers stand side by side",
    async () => {
      await page.sees(".detail h2", "/webhook");
      await page.press("r");
      await page.sees(".comparison", "replay, number");
      await page.sees(".comparison .heads", "500 Internal Server Error");
      await page.sees(".comparison .heads", "200 OK");
      await page.sees(".pair.differs", '"error": "no such invoice"');
      await page.sees(".pair.differs", '"paid": true');
      assertEquals(origin.received, ['{"invoice": 1}', '{"invoice": 1}']);
      await page.sees(".row .replayed", "↻");
    },
  );
  await t.step("edited, and several times", async () => {
    await page.evaluate(`location.hash = "#/${id}/edit"`);
    await page.sees(".editor button", "Send");
    await page.waits("the body", `document.querySelector(".body-text").value !== ""`);
    await page.fill(".body-text", "{}");
    await page.fill(".editor .wide input", "/webhook?edited");
    await page.fill(".editor [type=number]", "2");
    await page.click(".editor button", "Send");
    await page.sees(".comparison .others", "200");
    await eventually("four requests", () => origin.received.length === 4);
    assertEquals(origin.received.slice(2), ["{}", "{}"]);
    const { replays } = await story.inspector.exchange(id);
    assertEquals(replays.length, 3);
    assertEquals((await story.inspector.list("text=edited")).length, 2);
  });
  await t.step("what was begun is still there after Esc", async () => {
    await page.evaluate(`location.hash = "#/${id}/edit"`);
    await page.fill(".editor .wide input", "/webhook?begun");
    await page.press("Escape", "Escape");
    await page.sees(".notice", "What you have edited is kept");
    await page.press("e");
    const target = `document.querySelector(".editor .wide input").value`;
    await page.waits("the edited target", `${target} === "/webhook?begun"`);
    await page.click(".editor button", "As it was");
    await page.waits("the first target", `${target} === "/webhook"`);
  });
  await t.step("the first one lists its replays", async () => {
    await page.evaluate(`location.hash = "#/${id}"`);
    await page.waits("three", "document.querySelectorAll('.replays li').length === 3");
  });
  await t.step("secrets are covered in what is edited, and sent as they were", async () => {
    const secret = '{"token": "hush"}';
    const secretId = await story.sendWebhook(secret, [["Cookie", "a=b"]]);
    const before = origin.received.length;
    await page.evaluate(`location.hash = "#/${secretId}/edit"`);
    const value = (selector: string) => `document.querySelector("${selector}")?.value`;
    await page.waits("the body", `${value(".body-text")} === '{"token": "••••••••"}'`);
    await page.waits("the fields", `${value(".fields-text")}.includes("cookie: ••••••••")`);
    await page.click(".editor button", "Send");
    await page.sees(".comparison", `first, number ${secretId}`);
    await eventually("one more", () => origin.received.length === before + 1);
    assertEquals(origin.received.at(-1), secret);
    await page.evaluate(`location.hash = "#/${secretId}/edit"`);
    await page.click(".body-text");
    await page.waits("the body, shown", `${value(".body-text")} === '${secret}'`);
    await page.click(".editor button", "show what is covered");
    await page.waits("the fields, shown", `${value(".fields-text")}.includes("cookie: a=b")`);
    await page.evaluate(`location.hash = "#/${id}"`);
  });
  await t.step("a command to copy is put together when it is wanted", async () => {
    await page.evaluate(
      `navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }`,
    );
    await page.click(".copies button", "curl");
    await page.sees(".copies button", "copied");
    const copied = String(await page.evaluate("window.copied"));
    assert(copied.startsWith(`curl ${story.tunnel.url.origin}/webhook`), copied);
    assert(copied.includes(`--data-raw '{"invoice": 1}'`), copied);
  });
  assertEquals(page.errors, []);
});

Deno.test("The inspector's page shows messages and events as they come", { ignore }, async (t) => {
  await using story = await PageStory.start();

  await t.step("of a WebSocket, both ways", async () => {
    using visitor = await visitWebSocket(story.tunnel, "/live");
    const socket = await story.origin.socket();
    visitor.socket.send("from the visitor");
    await eventually(
      "it is recorded",
      async () => (await story.inspector.list("kind=websocket"))[0]?.messages?.fromVisitor === 1,
    );
    const [{ id } = { id: 0 }] = await story.inspector.list("kind=websocket");
    await using page = await story.open(`#/${id}/messages`);
    await page.sees(".message", "from the visitor");
    socket.send('{"from": "the service"}');
    await page.sees(".message.from-service", "the service");
    socket.send(new Uint8Array([0, 255]));
    await page.sees(".message.from-service", "00 ff");
    await page.click(".message button", "the service");
    await page.sees(".message .json", '"from"');
    visitor.socket.close(4000, "bye");
    await page.sees(".message", "4000 bye");
    await page.sees(".row .status", "closed");
    await page.press("r");
    await page.sees(".comparison .pair", "↑ from the visitor");
    await page.sees(".row .replayed", "↻");
    assertEquals(page.errors, []);
  });
  await t.step("of a stream of events", async () => {
    using visitor = await story.tunnel.open();
    await visitor.send(story.tunnel.write("/events"));
    const feed = await story.origin.feed();
    feed.write("event: price\ndata: 42\n\n");
    await eventually(
      "it is recorded",
      async () => (await story.inspector.list("kind=events")).length === 1,
    );
    const [{ id } = { id: 0 }] = await story.inspector.list("kind=events");
    await using page = await story.open(`#/${id}/messages`);
    await page.sees(".message", "42");
    feed.write("data: the next one\n\n");
    await page.sees(".message .line", "the next one");
    assertEquals(await page.texts(".message .kind"), ["price", "message"]);
    feed.close();
    await page.sees(".messages", "That was the last one.");
    assertEquals(page.errors, []);
  });
});

Deno.test("The inspector's page checks a webhook's signature", { ignore }, async () => {
  await using story = await PageStory.start();
  const body = '{"ok": true}';
  const signature = createHmac("sha256", "a secret").update(body).digest("hex");
  const id = await story.sendWebhook(body, [["X-Hub-Signature-256", `sha256=${signature}`]]);
  await using page = await story.open(`#/${id}/webhook`);
  await page.sees(".webhook", "as GitHub makes it");
  await page.fill(".webhook [type=password]", "another");
  await page.press("Enter");
  await page.sees(".verdict.is-wrong", "not right");
  await page.fill(".webhook [type=password]", "a secret");
  await page.press("Enter");
  await page.sees(".verdict.is-right", "right");
  assertEquals(page.errors, []);
});
