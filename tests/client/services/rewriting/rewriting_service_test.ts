import { assertEquals } from "@std/assert";
import { parseFieldSetting } from "../../../../lib/client/services/rewriting/field_rule.ts";
import { rewriting } from "../../../../lib/client/services/rewriting/rewriting_service.ts";
import type { Incoming } from "../../../../lib/client/services/service.ts";
import { FrameType } from "../../../../lib/wire/frame.ts";
import { FakeIncoming, requestHead } from "../../../testing/fake_incoming.ts";

Deno.test("rewriting takes what its rules are for out of trailers and interim responses, and leaves the rest", async () => {
  let seen: Incoming["trailers"] = null;
  const service = rewriting({
    async serve(incoming) {
      incoming.sendInterim({ status: 103, fields: [["server", "secret"], ["link", "</a>"]] });
      while (await incoming.read() !== null);
      seen = incoming.trailers;
      incoming.respond(
        { status: 200, reasonPhrase: "Fine", fields: [["server", "secret"]] },
        false,
      );
      incoming.sendTrailers([["server", "secret"], ["x-sum", "2"], ["x-env", "prod"]]);
      await incoming.end();
    },
    close() {},
  }, {
    setRequestHeader: [parseFieldSetting("X-Asked: {path}")],
    removeRequestHeader: ["x-secret"],
    setResponseHeader: [parseFieldSetting("X-Env: dev")],
    removeResponseHeader: ["server"],
    cors: null,
  });
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  incoming.trailers = [["x-secret", "1"], ["x-asked", "/else"], ["x-sum", "1"]];
  incoming.giveEnd();
  await service.serve(incoming, requestHead({ method: "POST" }));
  assertEquals(seen, [["x-sum", "1"]]);
  assertEquals(incoming.interim, [{ status: 103, fields: [["link", "</a>"]] }]);
  assertEquals(incoming.head, { status: 200, fields: [["x-env", "dev"]] });
  assertEquals(incoming.sentTrailers, [["x-sum", "2"]]);
});
