import { assert, assertEquals } from "@std/assert";
import { ExchangeStore } from "../../../lib/client/inspector/exchange_store.ts";
import { exchangeOf, messagePage, summaryOf } from "../../../lib/client/inspector/exchange_view.ts";
import { RecordingService } from "../../../lib/client/inspector/recording_service.ts";
import type { Handler } from "../../../lib/client/services/handler/handler.ts";
import { HandlerService } from "../../../lib/client/services/handler/handler_service.ts";
import type { Incoming, Service } from "../../../lib/client/services/service.ts";
import type { ResponseHead } from "../../../lib/http/head.ts";
import { ErrorCode, StreamError } from "../../../lib/wire/errors.ts";
import { FrameType } from "../../../lib/wire/frame.ts";
import { encodeReset } from "../../../lib/wire/reasons.ts";
import { FakeIncoming, requestHead } from "../../testing/fake_incoming.ts";
import { toText } from "../../testing/latin1.ts";

const MEMORY = 64 * 1024 * 1024;

const encoder = new TextEncoder();

/** A recorded service and what was recorded of it. */
function record(service: Service | Handler, memory = MEMORY) {
  const inner = typeof service === "function"
    ? new HandlerService(service, { onError: () => {} })
    : service;
  const store = new ExchangeStore(memory);
  const recording = new RecordingService(inner, store);
  const only = () => {
    const [first] = store.list();
    assert(first !== undefined);
    return first;
  };
  return { recording, store, only };
}

/** A service of one function. */
function serviceOf(serve: (incoming: Incoming) => Promise<void>): Service {
  return { serve, close() {} };
}

Deno.test("RecordingService notes what passes beside heads and bodies, and bounds it", async () => {
  const hints = { status: 103, fields: [["link", "</a.css>"]] } satisfies ResponseHead;
  const { recording, only, store } = record(serviceOf(async (incoming) => {
    incoming.sendInterim(hints);
    for (let i = 0; i < 4; i++) {
      incoming.sendInterim({ status: 103, fields: [["link", "x".repeat(5_000)]] });
    }
    while (await incoming.read() !== null);
    incoming.respond({ status: 200, reasonPhrase: "Fine", fields: [] }, false);
    incoming.sendTrailers([["x-sum", "2"]]);
    await incoming.end();
  }));
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  incoming.trailers = [["x-sum", "1"]];
  const before = store.memory;
  const served = recording.serve(incoming, requestHead({ method: "POST" }));
  incoming.giveEnd();
  await served;
  assertEquals([incoming.interim.length, incoming.sentTrailers], [5, [["x-sum", "2"]]]);
  const { request, interim, response } = exchangeOf(only(), []);
  assertEquals(request.trailers, [["x-sum", "1"]]);
  assertEquals([interim?.length, interim?.[0]], [4, hints]);
  assertEquals([response?.reasonPhrase, response?.trailers], ["Fine", [["x-sum", "2"]]]);
  assert(store.memory - before > 15_000);
});

Deno.test("RecordingService notes request and answer, and changes neither", async () => {
  const { recording, only } = record(async (request) =>
    new Response(`${await request.text()}!`, {
      status: 201,
      headers: [["x-a", "1"], ["x-a", "2"], ["content-type", "text/plain"]],
    })
  );
  const head = requestHead({
    method: "POST",
    target: "/a?b",
    fields: [["host", "app.example"], ["x-forwarded-for", "203.0.113.9, 10.0.0.1"], [
      "x-forwarded-proto",
      "https",
    ], ["x-b", "\xe9"]],
  });
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
  const served = recording.serve(incoming, head);
  incoming.give("pi");
  incoming.give("ng");
  incoming.giveEnd();
  await served;
  assertEquals([incoming.head?.status, incoming.text], [201, "ping!"]);

  const exchange = exchangeOf(only(), []);
  assertEquals(exchange.request.fields, head.fields);
  assertEquals(exchange.response?.fields, incoming.head?.fields);
  const { kind, state, method, target, host, visitor, status, scheme, requestSize, responseSize } =
    exchange;
  assertEquals(
    [kind, state, method, target, host, visitor, status, scheme, requestSize, responseSize],
    ["http", "complete", "POST", "/a?b", "app.example", "203.0.113.9", 201, "https", 4, 5],
  );
  assertEquals([exchange.request.body.isComplete, exchange.response?.body.isComplete], [
    true,
    true,
  ]);
  assertEquals(toText(only().requestBody?.bytes ?? new Uint8Array(0)), "ping");
  const { sentOn, firstByte, end } = exchange.times;
  assert(sentOn !== null && firstByte !== null && end !== null);
  assert(0 <= sentOn && sentOn <= firstByte && firstByte <= end);
});

Deno.test("RecordingService calls its service before it waits, and hides nothing of the exchange", async () => {
  const seen: unknown[] = [];
  const { recording } = record(serviceOf((incoming) => {
    seen.push(incoming.type, incoming.receiveEnded, incoming.sendEnded);
    incoming.respond({ status: 204, fields: [] }, true);
    seen.push(incoming.sendEnded, incoming.readNow(), incoming.read());
    return Promise.resolve();
  }));
  const served = recording.serve(new FakeIncoming(), requestHead());
  assertEquals(seen, [FrameType.HTTPRequest, true, false, true, undefined, null]);
  await served;
});

Deno.test("RecordingService tells a visitor who left from a service that failed, and says why", async () => {
  const ended = async (serve: (incoming: Incoming) => Promise<void>, end?: StreamError) => {
    const { recording, only } = record(serviceOf(serve));
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
    const served = recording.serve(incoming, requestHead());
    if (end !== undefined) incoming.leave(end);
    await served;
    const { state, reason, status } = summaryOf(only());
    return [state, reason, status, only().resetCode];
  };
  const aborted = (incoming: Incoming) =>
    new Promise<void>((resolve) => incoming.onAbort = () => resolve());
  const left = new StreamError(ErrorCode.Cancelled, "the visitor has left");
  assertEquals(await ended(aborted, left), ["left", left.message, null, 0]);
  const late = new StreamError(ErrorCode.Timeout, "no response head within 30000 ms");
  assertEquals(await ended(aborted, late), ["failed", late.message, null, ErrorCode.Timeout]);
  assertEquals(
    await ended((incoming) => {
      incoming.reset(ErrorCode.OriginUnreachable, "nothing listens there");
      return Promise.resolve();
    }),
    ["failed", "nothing listens there", null, ErrorCode.OriginUnreachable],
  );
  assertEquals(
    await ended(async (incoming) => {
      incoming.respond({ status: 200, fields: [] }, false);
      await incoming.write(encoder.encode("half"));
      incoming.reset(ErrorCode.OriginCut, "the origin's answer broke off");
    }),
    ["failed", "the origin's answer broke off", 200, ErrorCode.OriginCut],
  );
  // The answer is whole, and nobody wants the rest of the upload.
  assertEquals(
    await ended((incoming) => {
      incoming.respond({ status: 413, fields: [] }, true);
      incoming.reset(ErrorCode.None, "the answer is complete");
      return Promise.resolve();
    }),
    ["complete", null, 413, 0],
  );
});

Deno.test("RecordingService keeps the beginning of long bodies and counts the rest", async () => {
  const piece = new Uint8Array(64 * 1024).fill(1);
  const { recording, only, store } = record(serviceOf(async (incoming) => {
    incoming.respond({ status: 200, fields: [] }, false);
    for (let count = 0; count < 160; count++) await incoming.write(piece);
    await incoming.end(piece);
  }));
  await recording.serve(new FakeIncoming(), requestHead());
  const body = exchangeOf(only(), []).response?.body;
  assertEquals([body?.size, body?.kept], [161 * piece.length, 256 * 1024]);
  assert(store.memory < 300 * 1024);
});

Deno.test("RecordingService notes events as they come, and shows the stream before the first", async () => {
  const answer = Promise.withResolvers<void>();
  const { recording, only } = record(serviceOf(async (incoming) => {
    const fields = [["content-type", "Text/Event-Stream; charset=utf-8"]] as const;
    incoming.respond({ status: 200, fields }, false);
    await answer.promise;
    await incoming.write(encoder.encode("data: gr\xfc"));
    await incoming.write(encoder.encode("\xdfe\n\n"));
    await incoming.end();
  }));
  const served = recording.serve(new FakeIncoming(), requestHead());
  assertEquals([summaryOf(only()).kind, summaryOf(only()).state], ["events", "open"]);
  answer.resolve();
  await served;
  const log = only().messages;
  assert(log !== null);
  assertEquals(messagePage(log, 0, 10).messages.map((message) => message.kind), ["event"]);
  assertEquals(summaryOf(only()).messages, { fromVisitor: 0, fromService: 1 });
});

Deno.test("RecordingService takes an encoded stream, or a page, for no stream of events", async () => {
  for (
    const fields of [
      [["content-type", "text/event-stream"], ["content-encoding", "gzip"]],
      [["content-type", "text/event-stream-not"]],
      [["content-type", "text/html"]],
    ] as const
  ) {
    const { recording, only } = record(serviceOf(async (incoming) => {
      incoming.respond({ status: 200, fields }, false);
      await incoming.write(encoder.encode("data: x\n\n"));
      await incoming.end();
    }));
    await recording.serve(new FakeIncoming(), requestHead());
    assertEquals(summaryOf(only()).kind, "http");
  }
});

Deno.test("RecordingService bounds a hundred thousand messages, and knows the latest", async () => {
  const count = 100_000;
  const { recording, only, store } = record(serviceOf(async (incoming) => {
    incoming.respond({ status: 101, fields: [] }, false);
    for (let index = 0; index < count; index++) {
      await incoming.writeMessage(encoder.encode(`message ${index}`), true);
    }
    await incoming.writeMessage(new Uint8Array(1_000_000), false);
    incoming.teardown(encodeReset(1001, "bye"));
  }));
  const incoming = new FakeIncoming(FrameType.WSRequest, { hasBody: true });
  await recording.serve(incoming, requestHead());
  const log = only().messages;
  assert(log !== null);
  const { messages, first, total } = messagePage(log, 0, log.total);
  assertEquals([total, messages.length, first], [count + 2, 1000, count - 998]);
  const [oldest] = messages;
  assertEquals(oldest?.kind === "text" && oldest.text, `message ${count - 998}`);
  const binary = messages.at(-2);
  assertEquals([binary?.kind, binary?.size, binary?.isWhole], ["binary", 1_000_000, false]);
  const close = messages.at(-1);
  assertEquals(close?.kind === "close" && [close.code, close.text], [1001, "bye"]);
  assertEquals(summaryOf(only()).messages, { fromVisitor: 0, fromService: count + 1 });
  assertEquals(summaryOf(only()).state, "complete");
  assert(store.memory < 2 * 1024 * 1024);
});

Deno.test("RecordingService keeps names and values of every kind as they are", async () => {
  const hostile = [
    ["host", "app.example"],
    ["__proto__", "constructor"],
    ["x-html", "<script>alert(1)</script>"],
    ["x-octets", Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join("")],
    ["x-long", "v".repeat(100_000)],
  ] as const;
  const { recording, only } = record(() => new Response("ok"));
  await recording.serve(new FakeIncoming(), requestHead({ target: "/\xff\"'<", fields: hostile }));
  const { request, target } = exchangeOf(only(), []);
  assertEquals([request.fields, target], [hostile, "/\xff\"'<"]);
  JSON.parse(JSON.stringify(exchangeOf(only(), [])));
});

Deno.test("RecordingService goes on serving when its store has no room for an exchange", async () => {
  const { recording, store } = record(() => new Response("x".repeat(100_000)), 4096);
  for (let count = 0; count < 5; count++) {
    const incoming = new FakeIncoming();
    await recording.serve(incoming, requestHead());
    assertEquals(incoming.text.length, 100_000);
  }
  assert(store.list().length <= 1);
});
