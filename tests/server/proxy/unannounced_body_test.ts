import { assert, assertEquals, assertRejects } from "@std/assert";
import { unannouncedBody } from "../../../lib/server/proxy/unannounced_body.ts";
import { Feed } from "../../testing/feed.ts";

Deno.test("unannouncedBody is null for a body that ends before its first byte", async () => {
  const empty = new Uint8Array(0);
  assertEquals(await unannouncedBody(ReadableStream.from([])), null);
  assertEquals(await unannouncedBody(ReadableStream.from([empty, empty])), null);
});

Deno.test("unannouncedBody gives all pieces, each as it comes, and passes a cancel on", async () => {
  const feed = new Feed();
  feed.write("first");
  const body = await unannouncedBody(feed.body);
  assert(body !== null);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "first");
  feed.write("second");
  assertEquals((await reader.read()).value, "second");
  await reader.cancel();
  await feed.cancelled();
});

Deno.test("unannouncedBody rejects when the visitor leaves before", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  await assertRejects(() => unannouncedBody(body), Error, "gone");
});
