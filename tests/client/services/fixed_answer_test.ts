import { assertEquals } from "@std/assert";
import { FixedAnswer } from "../../../lib/client/services/fixed_answer.ts";
import { fieldValue } from "../../../lib/http/fields.ts";
import type { RequestHead } from "../../../lib/http/head.ts";
import { ErrorCode } from "../../../lib/wire/errors.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";

async function answerOf(service: FixedAnswer, given: Partial<RequestHead> = {}, hasBody = false) {
  const incoming = new FakeIncoming(undefined, { hasBody });
  await service.serve(incoming, requestHead(given));
  return incoming;
}

Deno.test("FixedAnswer answers with its status and a line that names it", async () => {
  const { head, text, isComplete } = await answerOf(FixedAnswer.status(503));
  assertEquals([head?.status, text, isComplete], [503, "503 Service Unavailable\n", true]);
  assertEquals(fieldValue(head?.fields ?? [], "content-length"), "24");
  assertEquals((await answerOf(FixedAnswer.status(299))).text, "299\n");
  const without = await answerOf(FixedAnswer.status(503), { method: "HEAD" });
  assertEquals([without.text, without.isComplete], ["", true]);
  for (const status of [204, 205, 304]) {
    const empty = await answerOf(FixedAnswer.status(status));
    assertEquals([empty.head, empty.isComplete], [{ status, fields: [] }, true]);
  }
});

Deno.test("FixedAnswer lets an upload go, and answers nobody who has left", async () => {
  const upload = await answerOf(FixedAnswer.status(403), { method: "POST" }, true);
  assertEquals([upload.isComplete, upload.resetWith?.code], [true, ErrorCode.None]);
  const gone = new FakeIncoming();
  const serving = FixedAnswer.status(403).serve(gone, requestHead());
  gone.leave();
  await serving;
  assertEquals(gone.head, null);
});

Deno.test("FixedAnswer sends visitors on, with the path in the place for it", async () => {
  const location = async (to: string, target: string) => {
    const { head } = await answerOf(FixedAnswer.redirect(to), { target });
    assertEquals(head?.status, 307);
    return fieldValue(head?.fields ?? [], "location");
  };
  assertEquals(await location("https://new.example/a", "/b?c"), "https://new.example/a");
  assertEquals(await location("https://new.example{path}", "/b?c=d"), "https://new.example/b?c=d");
  assertEquals(await location("https://new.example{path}", "*"), "https://new.example/");
  assertEquals(
    await location("https://new.example{path}", "//evil.example"),
    "https://new.example//evil.example",
  );
  assertEquals(await location("https://{host}/x", "/"), "https://app.example/x");
  assertEquals(
    await location("https://a.example{path}", "/caf\xc3\xa9"),
    "https://a.example/caf%C3%A9",
  );
});
