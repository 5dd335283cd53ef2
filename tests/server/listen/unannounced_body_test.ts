import { assertEquals, assertRejects } from "@std/assert";
import { UnannouncedBody } from "../../../lib/server/listen/unannounced_body.ts";
import { Feed } from "../../testing/feed.ts";

const decoder = new TextDecoder();

Deno.test("UnannouncedBody is none when its end is there before its first byte", async () => {
  const empty = new Uint8Array(0);
  for (const pieces of [[], [empty], [empty, empty]]) {
    const body = new UnannouncedBody(ReadableStream.from(pieces).getReader());
    assertEquals(await body.begins, false);
  }
});

Deno.test("UnannouncedBody begins with its first byte, and gives all pieces as they come", async () => {
  const feed = new Feed();
  feed.write("first");
  const body = new UnannouncedBody(feed.body.getReader());
  assertEquals(await body.begins, true);
  assertEquals(decoder.decode((await body.read()).value), "first");
  feed.write("second");
  assertEquals(decoder.decode((await body.read()).value), "second");
  await body.cancel();
  await feed.cancelled();
});

Deno.test("UnannouncedBody does not wait for a visitor that sends nothing yet", async () => {
  const feed = new Feed();
  const body = new UnannouncedBody(feed.body.getReader());
  assertEquals(await body.begins, true);
  feed.write("late");
  assertEquals(decoder.decode((await body.read()).value), "late");
  feed.close();
  assertEquals((await body.read()).done, true);
});

Deno.test("UnannouncedBody tells its reader that its visitor has left", async () => {
  const gone = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  const body = new UnannouncedBody(gone.getReader());
  assertEquals(await body.begins, true);
  await assertRejects(() => body.read(), Error, "gone");
});
