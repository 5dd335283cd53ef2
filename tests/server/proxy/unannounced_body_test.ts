import { assert, assertEquals, assertRejects } from "@std/assert";
import { IdleWatch } from "../../../lib/server/proxy/idle_watch.ts";
import { LateBodyError, unannouncedBody } from "../../../lib/server/proxy/unannounced_body.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { Feed } from "../../testing/feed.ts";

Deno.test("unannouncedBody is null for a body that ends before its first byte", async () => {
  const empty = new Uint8Array(0);
  for (const pieces of [[], [empty, empty]]) {
    const reader = ReadableStream.from(pieces).getReader();
    assertEquals(await unannouncedBody(reader, new IdleWatch()), null);
  }
});

Deno.test("unannouncedBody gives all pieces, each as it comes, and passes a cancel on", async () => {
  const feed = new Feed();
  feed.write("first");
  const body = await unannouncedBody(feed.body.getReader(), new IdleWatch());
  assert(body !== null);
  const decoder = new TextDecoder();
  assertEquals(decoder.decode((await body.read()).value), "first");
  feed.write("second");
  assertEquals(decoder.decode((await body.read()).value), "second");
  await body.cancel();
  await feed.cancelled();
});

Deno.test("unannouncedBody rejects when the visitor leaves before", async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) })
    .getReader();
  const idle = new IdleWatch();
  await assertRejects(() => unannouncedBody(body, idle), Error, "gone");
  assertEquals(idle.size, 0);
});

Deno.test("unannouncedBody waits no longer for the first byte than for any other, and cancels the body", async () => {
  using clock = new FakeClock();
  const idle = new IdleWatch();
  const feed = new Feed();
  const body = unannouncedBody(feed.body.getReader(), idle);
  assertEquals(idle.size, 1);
  feed.write("");
  clock.advance(65_000);
  await assertRejects(() => body, LateBodyError);
  await feed.cancelled();
  assertEquals([idle.size, clock.pending], [0, 0]);
});
