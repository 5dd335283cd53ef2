import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import type { Handler } from "../../lib/client/services/handler/handler.ts";
import { HandlerService } from "../../lib/client/services/handler/handler_service.ts";
import { MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { Feed } from "../testing/feed.ts";
import { toText } from "../testing/latin1.ts";
import { Pattern } from "../testing/pattern.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";
import { within } from "../testing/within.ts";

/** Bytes of an upload and of an answer: some windows of a stream. */
const LENGTH = 3_000_000;

Deno.test("A handler is published without a port of its own", async (t) => {
  const pattern = new Pattern();
  const feed = new Feed();
  const left = Promise.withResolvers<unknown>();
  const errors: unknown[] = [];
  const pages: Readonly<Record<string, Handler>> = {
    "/": ({ method, url }) => new Response(`${method} ${url}`),
    "/feed": () => new Response(feed.body),
    "/upload": async ({ body }) => {
      const hash = createHash("sha256");
      for await (const piece of body ?? []) hash.update(piece);
      return new Response(hash.digest("hex"));
    },
    "/unread": () => new Response("not read"),
    "/long": () =>
      new Response(ReadableStream.from(pattern.pieces(LENGTH)).pipeThrough(copying()), {
        headers: { "content-length": `${LENGTH}` },
      }),
    "/wait": async ({ signal }) => {
      const gone = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => gone.resolve());
      await gone.promise;
      left.resolve(signal.reason);
      return new Response("too late");
    },
    "/throw": () => {
      throw new Error("on purpose");
    },
  };
  const handler: Handler = (request, info) =>
    pages[new URL(request.url).pathname]?.(request, info) ?? new Response(null, { status: 404 });
  await using node = TestNode.start({ bus: new MemoryBus() });
  await using client = await TestClient.connect([node], {
    service: new HandlerService(handler, { onError: (error) => errors.push(error) }),
  });
  const { host } = client;

  await t.step("a page", async () => {
    const { status, text, head } = await node.get(host, "/");
    assertEquals([status, text], [200, `GET http://${host}/`]);
    assertEquals(head.all("content-type"), ["text/plain;charset=UTF-8"]);
    const asked = await node.request(`HEAD / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, "HEAD");
    assertEquals([asked.status, asked.text], [200, ""]);
    assertEquals((await node.get(host, "/nothing")).status, 404);
  });
  await t.step("an answer arrives piece by piece", async () => {
    using visitor = await RawHTTP.open(node.port);
    await visitor.send(`GET /feed HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const { body } = await visitor.receive();
    for (const piece of ["one", "two"]) {
      feed.write(piece);
      assertEquals(toText(await body.read() ?? new Uint8Array(0)), piece);
    }
    feed.close();
    assertEquals(await body.read(), null);
  });
  await t.step("long bodies both ways keep their bytes", async () => {
    using visitor = await RawHTTP.open(node.port);
    const upload = async (): Promise<void> => {
      await visitor.send(
        `PUT /upload HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${LENGTH}\r\n\r\n`,
      );
      for (const piece of pattern.pieces(LENGTH)) await visitor.send(piece);
    };
    const [{ text }] = await Promise.all([visitor.receiveAll("PUT"), upload()]);
    assertEquals(text, pattern.sha256(LENGTH));
    const { body } = await node.get(host, "/long");
    assertEquals([body.length, pattern.matches(0, body)], [LENGTH, true]);
  });
  await t.step("an upload that the handler does not read does not hold the answer up", async () => {
    using visitor = await RawHTTP.open(node.port);
    await visitor.send(
      `POST /unread HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${LENGTH}\r\n\r\nthe first bytes`,
    );
    assertEquals((await visitor.receiveAll("POST")).text, "not read");
  });
  await t.step("the signal aborts when the visitor leaves", async () => {
    using visitor = await RawHTTP.open(node.port);
    await visitor.send(`GET /wait HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    visitor.close();
    assertMatch(String(await within(left.promise, "the end of a visitor")), /left/);
  });
  await t.step("a handler that throws answers 500, and the tunnel lives on", async () => {
    const { status, text } = await node.get(host, "/throw");
    assertEquals([status, text], [500, "The service could not answer this request.\n"]);
    assertEquals(errors.map(String), ["Error: on purpose"]);
    assertEquals((await node.get(host, "/")).status, 200);
  });
});

/** What is enqueued is given away, and the pattern stays. */
function copying(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform: (piece, controller) => controller.enqueue(piece.slice()),
  });
}
