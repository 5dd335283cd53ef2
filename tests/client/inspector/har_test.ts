import { assert, assertEquals } from "@std/assert";
import Ajv from "ajv";
import schemas from "har-schema";
import zlib from "node:zlib";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import { harOf } from "../../../lib/client/inspector/har.ts";
import { RecordingService } from "../../../lib/client/inspector/recording_service.ts";
import { HandlerService } from "../../../lib/client/services/handler/handler_service.ts";
import type { Incoming } from "../../../lib/client/services/service.ts";
import type { RequestHead } from "../../../lib/http/head.ts";
import { ErrorCode } from "../../../lib/wire/errors.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { encodeReset } from "../../../lib/wire/reasons.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";

/** What the tests look at of a HAR's entry. */
interface Entry {
  readonly request: {
    readonly url: string;
    readonly cookies: unknown;
    readonly queryString: unknown;
    readonly postData?: Readonly<Record<string, unknown>>;
  };
  readonly response: {
    readonly status: number;
    readonly content: Readonly<Record<string, unknown>>;
  };
  readonly comment?: string;
  readonly _webSocketMessages?: readonly unknown[];
}

/** Checks a HAR against the schema of HAR 1.2, and returns its entries. */
async function validEntries(store: ExchangeStore): Promise<readonly Entry[]> {
  let text = "";
  for await (const piece of harOf(store.list(), "1.0.0")) text += piece;
  const har = JSON.parse(text);
  const ajv = new Ajv({ allErrors: true });
  for (const { $schema: _, ...schema } of Object.values<Record<string, string>>(schemas)) {
    ajv.addSchema(schema);
  }
  assert(ajv.validate("har.json", har), JSON.stringify(ajv.errors, null, 2));
  return har.log.entries;
}

/** Answers one exchange after the other. */
class Exchanges {
  readonly store = new ExchangeStore(64 * 1024 * 1024);

  async ask(answer: Response, head: Partial<RequestHead>, body?: string | Uint8Array) {
    await this.#serve(new HandlerService(() => answer), head, body);
  }

  async serve(serve: (incoming: Incoming) => Promise<void>, type: number = FrameType.HTTPRequest) {
    const incoming = new FakeIncoming(type, { hasBody: type === FrameType.WSRequest });
    await new RecordingService({ serve, close() {} }, this.store).serve(incoming, requestHead());
  }

  async #serve(
    service: HandlerService,
    head: Partial<RequestHead>,
    body?: string | Uint8Array,
  ): Promise<void> {
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: body !== undefined });
    const recording = new RecordingService(
      {
        async serve(incoming, head) {
          if (body !== undefined) { while (await incoming.read() !== null); }
          await service.serve(incoming, head);
        },
        close() {},
      },
      this.store,
    );
    const served = recording.serve(incoming, requestHead(head));
    if (body !== undefined) {
      incoming.give(body);
      incoming.giveEnd();
    }
    await served;
  }
}

Deno.test("harOf writes HAR 1.2 of whatever was recorded", async () => {
  const exchanges = new Exchanges();
  const { store } = exchanges;
  await exchanges.ask(
    new Response("<p>hi", {
      headers: [["content-type", "text/html"], ["set-cookie", "a=b; Path=/; HttpOnly"]],
    }),
    {
      method: "POST",
      target: '/a b?q=1&r=%zz"<>|\xe9#x',
      fields: [["host", "app.example"], ["cookie", "c=1; d=e=f"], ["content-type", "text/plain"]],
    },
    "gr\xc3\xbc\xc3\x9fe",
  );
  await exchanges.ask(
    new Response(new Uint8Array(zlib.gzipSync("zipped text")), {
      headers: { "content-encoding": "gzip" },
    }),
    { target: "*", method: "OPTIONS" },
  );
  await exchanges.ask(
    new Response(new Uint8Array([0xff, 0]), { headers: { "content-encoding": "unknown" } }),
    { fields: [] },
    new Uint8Array([0xfe, 1]),
  );
  await exchanges.ask(new Response("x".repeat(300_000)), { target: "/long" });
  await exchanges.serve((incoming) => {
    incoming.reset(ErrorCode.OriginUnreachable, "nothing listens there");
    return Promise.resolve();
  });
  await exchanges.serve(async (incoming) => {
    incoming.respond({ status: 101, fields: [] }, false);
    await incoming.writeMessage(new TextEncoder().encode("hello"), true);
    await incoming.writeMessage(new Uint8Array([1]), false);
    incoming.teardown(encodeReset(1000, ""));
  }, FrameType.WSRequest);
  await exchanges.serve(async (incoming) => {
    incoming.respond({ status: 200, fields: [["content-type", "text/event-stream"]] }, false);
    await incoming.write(new TextEncoder().encode("data: one\n\n"));
    await incoming.end();
  });
  store.begin(requestHead(), "http");

  const entries = await validEntries(store);
  const [page, zipped, octets, long, failed, webSocket, events, open] = entries;
  assertEquals(entries.length, 8);
  assertEquals(page?.request.url, "http://app.example/a%20b?q=1&r=%25zz%22%3C%3E%7C%E9%23x");
  assertEquals(page?.request.cookies, [{ name: "c", value: "1" }, { name: "d", value: "e=f" }]);
  assertEquals([page?.request.postData?.text, page?.response.content.text], ["grüße", "<p>hi"]);
  assertEquals(zipped?.response.content, {
    ...zipped?.response.content,
    text: "zipped text",
    size: 11,
  });
  assertEquals([octets?.request.postData?.text, octets?.request.postData?._encoding], [
    "/gE=",
    "base64",
  ]);
  assertEquals([octets?.response.content.text, octets?.response.content.encoding], [
    "/wA=",
    "base64",
  ]);
  assertEquals(
    [long?.response.content.size, long?.response.content.comment],
    [300_000, "the first 262144 of 300000 bytes were kept"],
  );
  assertEquals([failed?.response.status, failed?.comment], [0, "failed: nothing listens there"]);
  assertEquals(webSocket?._webSocketMessages?.length, 3);
  assertEquals(events?._webSocketMessages?.length, 1);
  assertEquals([open?.response.status, open?.comment], [0, "open"]);
});

Deno.test("harOf passes over what was forgotten while it was written", async () => {
  const exchanges = new Exchanges();
  for (let count = 0; count < 3; count++) await exchanges.ask(new Response("ok"), {});
  const pieces = harOf(exchanges.store.list(), "1.0.0");
  let text = (await pieces.next()).value + (await pieces.next()).value;
  exchanges.store.clear();
  for await (const piece of pieces) text += piece;
  assertEquals(JSON.parse(text).log.entries.length, 1);
});
