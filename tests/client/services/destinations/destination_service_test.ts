import { assertEquals } from "@std/assert";
import { parseAllowedDestination } from "../../../../lib/client/services/destinations/destination_rule.ts";
import {
  type DestinationOptions,
  withDestinations,
} from "../../../../lib/client/services/destinations/destination_service.ts";
import { FixedAnswer } from "../../../../lib/client/services/fixed_answer.ts";
import { USUAL_TRUST } from "../../../../lib/client/services/origin.ts";
import { FrameType } from "../../../../lib/wire/frame.ts";
import { FakeIncoming, requestHead } from "../../../testing/fake_incoming.ts";
import { ScriptedOrigin } from "../../../testing/scripted_origin.ts";

/** A service that answers 404, with destinations, and what asks it. */
function destinations(allow: readonly string[], options: Partial<DestinationOptions> = {}) {
  const service = withDestinations(FixedAnswer.status(404), {
    ...{ allow: allow.map(parseAllowedDestination), deny: [], trust: USUAL_TRUST },
    ...options,
  });
  return {
    service,
    async ask(url: string): Promise<FakeIncoming> {
      const incoming = new FakeIncoming();
      const fields = [["host", "app.example"], ["x-proxy-destination", url]] as const;
      await service.serve(incoming, requestHead({ target: "/not/asked", fields }));
      return incoming;
    },
  };
}

Deno.test("Destinations are connected to at the addresses that were looked at, which are looked up once", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const asked: string[] = [];
  // The first answer is harmless, and the next one is not: DNS rebinding.
  const answers = [["127.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["169.254.169.254"]];
  const { service, ask } = destinations(
    [`http://rebind.example:${origin.port}`, `http://127.0.0.1:${origin.port}`],
    {
      lookUp: (host) => {
        asked.push(host);
        return Promise.resolve(answers[asked.length - 1] ?? []);
      },
      deny: [],
    },
  );
  const url = `http://rebind.example:${origin.port}/page?q`;
  assertEquals((await ask(url)).text, "ok");
  const { head, target } = await origin.next();
  assertEquals([target, head.get("host")], ["/page?q", `rebind.example:${origin.port}`]);
  assertEquals([head.has("x-proxy-destination"), asked], [false, ["rebind.example"]]);
  // Of two addresses, the private one is reached by the name, and this machine by its own rule.
  assertEquals((await ask(url)).text, "ok");
  assertEquals((await ask(url)).head?.status, 403);
  assertEquals((await ask(url)).head?.status, 502);
  assertEquals(origin.requestCount, 2);
  service.close();
});

Deno.test("Destinations answer for what they refuse, and ask nobody", async () => {
  const { service, ask } = destinations(["http://a.internal", "http://*.example"], {
    lookUp: (host) => Promise.resolve(host === "a.internal" ? ["127.0.0.1"] : []),
  });
  const refusals: Readonly<Record<string, readonly [number, string]>> = {
    "no url": [400, "must be one URL"],
    "http://a.internal/, http://b.internal/": [400, "must be one URL"],
    "http://2130706433/": [400, "must be one URL"],
    "http://b.internal/": [403, "does not allow this destination"],
    "https://a.internal/": [403, "does not allow this destination"],
    "http://a.internal/": [403, "has an address that the owner"],
    "http://unknown.example/": [502, "has no address"],
  };
  for (const [url, [status, sentence]] of Object.entries(refusals)) {
    const { head, text } = await ask(url);
    assertEquals([head?.status, text.includes(sentence)], [status, true], `${url}: ${text}`);
  }
  service.close();
});

Deno.test("Destinations leave requests that name none to the service, and are that service where nothing is allowed", async () => {
  const { service } = destinations(["http://a.internal"]);
  const incoming = new FakeIncoming();
  await service.serve(incoming, requestHead());
  assertEquals(incoming.head?.status, 404);
  service.close();
  const inner = FixedAnswer.status(404);
  assertEquals(withDestinations(inner, { allow: [], deny: [], trust: USUAL_TRUST }), inner);
});

Deno.test("Destinations get a body that came whole while their name was looked up", async () => {
  await using origin = ScriptedOrigin.start(async (exchange) => {
    await exchange.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const looked = Promise.withResolvers<readonly string[]>();
  const { service } = destinations([`http://localhost:${origin.port}`], {
    lookUp: () => looked.promise,
  });
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  const url = `http://localhost:${origin.port}/`;
  const fields = [["content-length", "7"], ["x-proxy-destination", url]] as const;
  const served = service.serve(incoming, requestHead({ method: "POST", fields }));
  incoming.give("content");
  incoming.giveEnd();
  looked.resolve(["127.0.0.1"]);
  await served;
  assertEquals(incoming.text, "ok");
  assertEquals((await origin.next()).received.endsWith("\r\n\r\ncontent"), true);
  service.close();
});
