import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { upgradeWebSocket } from "../../../../lib/client/services/handler/upgrade_websocket.ts";
import type { Handler, HandlerInfo } from "../../../../lib/client/services/handler/handler.ts";
import {
  HandlerService,
  type HandlerServiceOptions,
} from "../../../../lib/client/services/handler/handler_service.ts";
import type { RequestHead } from "../../../../lib/http/head.ts";
import { ErrorCode, StreamError } from "../../../../lib/wire/errors.ts";
import { FrameType } from "../../../../lib/wire/frame.ts";
import { FakeIncoming, requestHead } from "../../../testing/fake_incoming.ts";
import { Feed } from "../../../testing/feed.ts";
import { eventually } from "../../../testing/eventually.ts";
import { Pattern } from "../../../testing/pattern.ts";
import { within } from "../../../testing/within.ts";

const encoder = new TextEncoder();

Deno.test("HandlerService gives the handler the visitor's URL, method and end-to-end fields", async () => {
  const seen: Request[] = [];
  const handler = (request: Request) => {
    seen.push(request);
    return new Response("ok");
  };
  const { incoming } = await served(handler, {
    target: "/a//b?c=%2f&d=\xc3\xa9",
    fields: [
      ...[["host", "app.example:8443"], ["x-forwarded-proto", "https"], ["x-a", "\xe9"]] as const,
      ...[["connection", "x-private"], ["x-private", "1"], ["te", "trailers"]] as const,
      ...[["x-two", "1"], ["x-two", "2"]] as const,
    ],
  });
  const [request] = seen;
  assertEquals(request?.url, "https://app.example:8443/a//b?c=%2f&d=%C3%A9");
  assertEquals([...request?.headers ?? []], [
    ...[["host", "app.example:8443"], ["x-a", "\xe9"]],
    ...[["x-forwarded-proto", "https"], ["x-two", "1, 2"]],
  ]);
  assertEquals([request?.method, request?.body], ["GET", null]);
  assertEquals([incoming.head?.status, incoming.text, incoming.isComplete], [200, "ok", true]);
});

Deno.test("HandlerService takes the target * for the path /, and a request without a host as well", async () => {
  const head = { method: "OPTIONS", target: "*", fields: [] };
  const { incoming } = await served(({ url }) => new Response(url), head);
  assertEquals(incoming.text, "http://localhost/");
});

Deno.test("HandlerService asks for a body that is held back when the handler reads it, or answers with what may be made of it", async () => {
  const handlers: Record<string, readonly [handler: Handler, statuses: readonly number[]]> = {
    "reads it": [async (request) => new Response(await request.text(), { status: 202 }), [100]],
    "reads it and refuses": [
      async (request) => new Response(await request.text(), { status: 422 }),
      [100],
    ],
    "answers with it": [(request) => new Response(request.body), [100]],
    "refuses it": [() => new Response("no", { status: 413 }), []],
  };
  for (const [name, [handler, statuses]] of Object.entries(handlers)) {
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
    const fields = [["host", "a"], ["expect", "100-continue"]] as const;
    const serving = new HandlerService(handler).serve(
      incoming,
      requestHead({ method: "POST", fields }),
    );
    if (statuses.length > 0) {
      await eventually("the body to be asked for", () => incoming.interim.length > 0);
      incoming.give("body");
      incoming.giveEnd();
    }
    await within(serving, name);
    assertEquals(incoming.interim.map(({ status }) => status), statuses, name);
    assertEquals(incoming.text, statuses.length > 0 ? "body" : "no");
  }
});

Deno.test("HandlerService keeps each Set-Cookie, and drops what concerns one connection alone", async () => {
  const { incoming } = await served(() => {
    const headers = new Headers({ "x-a": "1", "connection": "close, x-b", "x-b": "2" });
    headers.append("set-cookie", "a=1, b");
    headers.append("set-cookie", "c=2");
    headers.set("transfer-encoding", "chunked");
    return new Response(null, { status: 201, headers });
  });
  assertEquals(incoming.head, {
    status: 201,
    fields: [["set-cookie", "a=1, b"], ["set-cookie", "c=2"], ["x-a", "1"]],
  });
});

Deno.test("HandlerService sends no body to HEAD, nor with 204, 205 and 304", async () => {
  const feed = new Feed();
  const { incoming } = await served(
    () => new Response(feed.body, { headers: { "content-length": "5" } }),
    { method: "HEAD" },
  );
  assertEquals(incoming.head?.fields, [["content-length", "5"]]);
  assertEquals([incoming.text, incoming.isComplete], ["", true]);
  await feed.cancelled();
  for (const status of [204, 205, 304]) {
    const headers = { "content-length": "0" };
    const { incoming } = await served(() => new Response(null, { status, headers }));
    const fields = status === 204 ? [] : [["content-length", "0"]];
    assertEquals<unknown>(incoming.head, { status, fields });
    assertEquals([incoming.text, incoming.isComplete], ["", true]);
  }
});

Deno.test("HandlerService sends each piece of an answer as it comes", async () => {
  const feed = new Feed();
  const { incoming, end } = serve(() => new Response(feed.body));
  await incoming.answered();
  feed.write("one");
  await eventually("the first piece", () => incoming.text === "one");
  feed.write("two");
  await eventually("the second piece", () => incoming.text === "onetwo");
  assert(!incoming.isComplete);
  feed.close();
  await end;
  assert(incoming.isComplete);
});

Deno.test("HandlerService takes no more of an answer than the visitor does", async () => {
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(encoder.encode("x"));
      if (++pulled === 100) controller.close();
    },
  }, { highWaterMark: 0 });
  const { incoming, end } = serve(() => new Response(body));
  incoming.stall();
  await eventually("a write without room", () => incoming.waiting === 1);
  assertEquals(pulled, 1);
  incoming.takeAll();
  await end;
  assertEquals(incoming.text, "x".repeat(100));
});

Deno.test("HandlerService reads an upload no faster than the handler does", async () => {
  const reader = Promise.withResolvers<ReadableStreamDefaultReader<Uint8Array>>();
  const { incoming, end } = serve(
    async (request) => {
      const body = request.body?.getReader();
      if (body === undefined) throw new TypeError("no body");
      reader.resolve(body);
      await body.closed;
      return new Response("done");
    },
    { method: "POST" },
    { hasBody: true },
  );
  for (const piece of ["a", "b", "c"]) incoming.give(piece);
  const body = await reader.promise;
  assertEquals(incoming.reads, 0);
  assertEquals((await body.read()).value, encoder.encode("a"));
  assertEquals(incoming.reads, 1);
  incoming.giveEnd();
  while (!(await body.read()).done);
  await end;
  assertEquals([incoming.text, incoming.reads, incoming.resetWith], ["done", 3, null]);
});

Deno.test("HandlerService gives a handler bytes of its own", async () => {
  const shared = new Pattern().at(0, 1000);
  const { incoming, end } = serve(
    async (request) => {
      for await (const piece of request.body ?? []) {
        structuredClone(piece, {
          transfer: [piece.buffer],
        });
      }
      return new Response("given away");
    },
    { method: "PUT" },
    { hasBody: true },
  );
  incoming.give(shared);
  incoming.giveEnd();
  await end;
  assertEquals([incoming.text, shared.byteLength], ["given away", 1000]);
});

Deno.test("HandlerService resets an upload that its handler did not read, without an error", async () => {
  for (const method of ["POST", "GET"]) {
    const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody: true });
    incoming.give("unread");
    const service = new HandlerService(() => new Response("no thanks"));
    await within(service.serve(incoming, requestHead({ method })), "the end of an exchange");
    assertEquals([incoming.text, incoming.isComplete], ["no thanks", true]);
    assertEquals(incoming.resetWith?.code, ErrorCode.None);
  }
});

Deno.test("HandlerService aborts the request's signal and its body when the visitor leaves", async () => {
  const errors: unknown[] = [];
  const begun = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<unknown>();
  const { incoming, end } = serve(
    async (request) => {
      begun.resolve();
      await request.text().catch(failed.resolve);
      assert(request.signal.aborted);
      throw new Error("nobody hears it");
    },
    { method: "POST" },
    { hasBody: true, onError: (error) => errors.push(error) },
  );
  await begun.promise;
  incoming.leave();
  assertMatch(String(await failed.promise), /the visitor has left/);
  await end;
  assertEquals([errors, incoming.head, incoming.resetWith], [[], null, null]);
});

Deno.test("HandlerService cancels an answer whose visitor leaves, though it has nothing to say", async () => {
  const feed = new Feed();
  const errors: unknown[] = [];
  const { incoming, end } = serve(() => new Response(feed.body), {}, {
    onError: (error) => errors.push(error),
  });
  await incoming.answered();
  incoming.leave();
  await feed.cancelled();
  await end;
  assertEquals(errors, []);
});

Deno.test("HandlerService cancels an answer that comes when the visitor has left", async () => {
  const feed = new Feed();
  const answer = Promise.withResolvers<Response>();
  const { incoming, end } = serve(() => answer.promise);
  incoming.leave();
  answer.resolve(new Response(feed.body));
  await feed.cancelled();
  await end;
  assertEquals(incoming.head, null);
});

Deno.test("HandlerService answers 500 for a handler that throws, and tells the error to the owner alone", async () => {
  const failure = new Error("the secret of the house");
  const locked = new Response("read");
  await locked.text();
  const handlers: readonly Handler[] = [
    () => {
      throw failure;
    },
    () => Promise.reject(failure),
    () => Response.error(),
    () => locked,
  ];
  for (const handler of handlers) {
    const errors: unknown[] = [];
    const { incoming } = await served(handler, {}, { onError: (error) => errors.push(error) });
    assertEquals([incoming.head?.status, incoming.isComplete, errors.length], [500, true, 1]);
    assertEquals(incoming.text, "The service could not answer this request.\n");
  }
});

Deno.test("HandlerService cuts an answer that breaks off, and one that is neither bytes nor texts", async () => {
  let cancelled = 0;
  const bodies: readonly ReadableStream<Uint8Array<ArrayBuffer>>[] = [
    new ReadableStream({ pull: () => Promise.reject(new Error("the disk is gone")) }),
    streamOf("[1, 2, 3]", () => cancelled++),
  ];
  for (const body of bodies) {
    const errors: unknown[] = [];
    const { incoming } = await served(() => new Response(body), {}, {
      onError: (error) => errors.push(error),
    });
    assertEquals([incoming.head?.status, incoming.isComplete, errors.length], [200, false, 1]);
    assertEquals(incoming.resetWith?.code, ErrorCode.Internal);
  }
  assertEquals(cancelled, 1);
});

Deno.test("HandlerService sends the texts that a stream gives as UTF-8", async () => {
  const { incoming } = await served(() => new Response(streamOf('["a", "\u00fc"]', () => {})));
  assertEquals([incoming.text, incoming.isComplete], ["a\xc3\xbc", true]);
});

Deno.test("HandlerService resets an exchange whose answer no head can hold", async () => {
  const errors: unknown[] = [];
  class Refusing extends FakeIncoming {
    override respond(): void {
      throw new Error("a head that cannot be sent");
    }
  }
  const incoming = new Refusing();
  const service = new HandlerService(() => new Response("x"), {
    onError: (error) => errors.push(error),
  });
  await service.serve(incoming, requestHead());
  assertEquals([incoming.resetWith?.code, errors.length], [ErrorCode.Internal, 1]);
});

Deno.test("HandlerService survives a report that fails", async () => {
  const { incoming } = await served(
    () => Promise.reject(new Error("first")),
    {},
    {
      onError() {
        throw new Error("second");
      },
    },
  );
  assertEquals(incoming.head?.status, 500);
});

Deno.test("HandlerService refuses methods that no Request can have, with a sentence", async () => {
  const { incoming } = await served(() => new Response("asked"), { method: "TRACE" });
  assertEquals(incoming.head?.status, 501);
  assertMatch(incoming.text, /method TRACE/);
});

Deno.test("HandlerService answers 500 for a handler that answers with nothing, as some frameworks do", async () => {
  const errors: unknown[] = [];
  // What a framework without types gives where no route fits.
  const app: { readonly answer?: Response } = {};
  const handler = (_: Request, __: HandlerInfo): Response => Object(app).answer;
  const { incoming } = await served(handler, {}, { onError: (error) => errors.push(error) });
  assertEquals(incoming.head?.status, 500);
  assertEquals(errors.map(String), [
    "TypeError: a handler must answer with a Response, not undefined",
  ]);
});

Deno.test("HandlerService tells the handler where the visitor is, and when the answer is complete", async () => {
  const infos: HandlerInfo[] = [];
  const handler: Handler = (_request, info) => {
    infos.push(info);
    return new Response("ok");
  };
  await served(handler, { fields: [["x-forwarded-for", "192.0.2.7, 10.0.0.1"]] });
  const [info] = infos;
  assertEquals(info?.remoteAddr, { transport: "tcp", hostname: "192.0.2.7", port: 0 });
  await info?.completed;
});

Deno.test("HandlerService tells the handler that its visitor left before the answer was complete", async () => {
  const feed = new Feed();
  const infos: HandlerInfo[] = [];
  const { incoming, end } = serve((_request, info) => {
    infos.push(info);
    return new Response(feed.body);
  });
  await incoming.answered();
  incoming.leave();
  await end;
  await assertRejects(async () => await infos[0]?.completed, StreamError, "left");
});

Deno.test("HandlerService takes no WebSocket where the visitor asked for none", async () => {
  const errors: unknown[] = [];
  const handlers: readonly Handler[] = [
    (_request, info) => info.upgrade().response,
    (request) => upgradeWebSocket(request).response,
  ];
  for (const handler of handlers) {
    const { incoming } = await served(handler, {}, { onError: (error) => errors.push(error) });
    assertEquals(incoming.head?.status, 500);
  }
  for (const error of errors) {
    assertMatch(String(error), /TypeError: this request cannot be upgraded/);
  }
  assertEquals(errors.length, 2);
});

/** Makes a body of text, as only a handler without types can. */
/** A stream that gives what no type allows it: the members of a list in JSON. */
function streamOf(json: string, onCancel: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  const left: Uint8Array<ArrayBuffer>[] = JSON.parse(json);
  return new ReadableStream({
    pull(controller) {
      const next = left.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
    cancel: onCancel,
  });
}

interface Given extends HandlerServiceOptions {
  readonly hasBody?: boolean;
}

/** Begins an exchange with a handler. */
function serve(
  handler: Handler,
  head: Partial<RequestHead> = {},
  { hasBody = false, ...options }: Given = {},
): { readonly incoming: FakeIncoming; readonly end: Promise<void> } {
  const incoming = new FakeIncoming(FrameType.HTTPRequest, { hasBody });
  const service = new HandlerService(handler, options);
  const end = within(service.serve(incoming, requestHead(head)), "the end of an exchange");
  return { incoming, end };
}

/** Runs an exchange to its end. */
async function served(
  handler: Handler,
  head?: Partial<RequestHead>,
  given?: Given,
): Promise<{ readonly incoming: FakeIncoming }> {
  const { incoming, end } = serve(handler, head, given);
  await end;
  return { incoming };
}
