import { assertEquals } from "@std/assert";
import { editableOf } from "../../../../lib/client/inspector/page/editable_request.ts";
import { ReplayDrafts } from "../../../../lib/client/inspector/page/replay_drafts.ts";
import { exchange } from "./exchanges.ts";

Deno.test("ReplayDrafts keeps what was edited last, of twenty exchanges", () => {
  const drafts = new ReplayDrafts();
  const draft = editableOf(exchange());
  for (let id = 1; id <= 20; id++) drafts.keep(id, draft);
  drafts.keep(1, { ...draft, method: "PUT" });
  drafts.keep(21, draft);
  assertEquals([drafts.get(1)?.method, drafts.get(2), drafts.get(21)], ["PUT", undefined, draft]);
  drafts.drop(1);
  assertEquals(drafts.get(1), undefined);
});
