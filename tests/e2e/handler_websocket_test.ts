import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Handler } from "../../lib/client/services/handler/handler.ts";
import { upgradeWebSocket } from "../../lib/client/services/handler/upgrade_websocket.ts";
import { HandlerService } from "../../lib/client/services/handler/handler_service.ts";
import { MemoryBus } from "../../lib/server/bus/memory_bus.ts";
import { RawHTTP } from "../testing/raw_http.ts";
import { TestClient, TestNode } from "../testing/test_node.ts";
import { Pattern } from "../testing/pattern.ts";
import { openWebSocket, type VisitOptions, type WebSocketPeer } from "../testing/websocket_peer.ts";
import { HANDSHAKE } from "../testing/websocket_frame.ts";
import { within } from "../testing/within.ts";

const MIB = 1024 * 1024;

Deno.test("A handler's WebSocket carries text and bytes both ways, in order and of any size", async () => {
  await using published = await Published.start((_request, info) => {
    const { socket, response } = info.upgrade();
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  using visitor = await published.visit();
  const long = new Pattern().at(0, 3 * MIB).slice();
  const messages = ["text \u{1f980}", new Uint8Array([0xff, 0, 1]), "", new Uint8Array(0), long];
  for (const message of messages) visitor.send(message);
  assertEquals(await visitor.nextOf(messages.length), messages);
  visitor.close(4000, "enough");
  assertEquals(await visitor.closed, { code: 4000, reason: "enough" });
});

Deno.test("A handler's WebSocket is the standard's: Blobs, their order, what is left to send, how it ends", async () => {
  const { promise: told, resolve } = Promise.withResolvers<unknown[]>();
  await using published = await Published.start((_request, info) => {
    const { socket, response } = info.upgrade();
    const seen: unknown[] = [socket.readyState, socket.binaryType, new URL(socket.url).protocol];
    assertThrows(() => socket.send("early"), DOMException, "not open");
    assertThrows(() => socket.close(1001), DOMException, "close code");
    assertThrows(() => socket.close(3000, "x".repeat(124)), DOMException, "close reason");
    socket.addEventListener("open", () => {
      seen.push(socket.readyState);
      socket.send(new Blob(["first"]));
      socket.send("second");
      socket.send(new DataView(new Uint8Array([1, 2, 3]).buffer, 1));
      assert(socket.bufferedAmount > 0);
      socket.close(3000, "done");
      seen.push(socket.readyState);
    });
    socket.onclose = ({ code, reason, wasClean }) => {
      resolve([...seen, socket.readyState, code, reason, wasClean]);
    };
    return response;
  });
  using visitor = await published.visit();
  assertEquals(await visitor.nextOf(3), [
    new TextEncoder().encode("first"),
    "second",
    new Uint8Array([2, 3]),
  ]);
  assertEquals(await visitor.closed, { code: 3000, reason: "done" });
  assertEquals(await within(told, "the end of a WebSocket"), [
    ...[0, "blob", "ws:", 1, 2, 3],
    ...[3000, "done", true],
  ]);
});

Deno.test("A handler hears that its WebSocket's visitor vanished, and its signal aborts", async () => {
  const ended = Promise.withResolvers<CloseEvent>();
  const aborted = Promise.withResolvers<void>();
  await using published = await Published.start((request, info) => {
    const { socket, response } = info.upgrade();
    socket.onclose = ended.resolve;
    request.signal.addEventListener("abort", () => aborted.resolve());
    return response;
  });
  using visitor = await published.visit();
  visitor.vanish();
  const { code, wasClean } = await within(ended.promise, "the end of a WebSocket");
  assertEquals([code, wasClean], [1006, false]);
  await within(aborted.promise, "the signal");
});

Deno.test("A handler chooses a subprotocol and adds fields to the answer, or takes the WebSocket by its request alone", async () => {
  await using published = await Published.start((request) => {
    assertEquals(request.headers.get("upgrade"), "websocket");
    const { response } = upgradeWebSocket(request, { protocol: "b" });
    const headers = new Headers(response.headers);
    headers.append("set-cookie", "a=1");
    // As frameworks copy what a handler returns.
    return new Response(response.body, { headers });
  });
  using visitor = await RawHTTP.open(published.node.port);
  await visitor.send(handshake("/", published.host, "Sec-WebSocket-Protocol: a, b"));
  const { status, head } = await visitor.receive();
  assertEquals(status, 101);
  assertEquals([head.get("sec-websocket-protocol"), head.get("set-cookie")], ["b", "a=1"]);
});

Deno.test("A handler refuses a WebSocket with an answer of its own, or by what it throws", async () => {
  const errors: unknown[] = [];
  const closed = Promise.withResolvers<number>();
  const pages: Readonly<Record<string, Handler>> = {
    "/login": () => new Response("log in first", { status: 401 }),
    "/other": (_request, info) => info.upgrade({ protocol: "unheard-of" }).response,
    "/taken": (_request, info) => {
      info.upgrade().socket.onclose = ({ code }) => closed.resolve(code);
      return new Response("changed my mind", { status: 409 });
    },
  };
  await using published = await Published.start(
    (request, info) =>
      pages[new URL(request.url).pathname]?.(request, info) ?? new Response(null, { status: 404 }),
    (error) => errors.push(error),
  );
  const answers: unknown[] = [];
  for (const target of Object.keys(pages)) {
    const { status, text } = await published.node.request(handshake(target, published.host));
    answers.push([status, text]);
  }
  assertEquals(answers, [
    [401, "log in first"],
    [500, "The service could not answer this request.\n"],
    [409, "changed my mind"],
  ]);
  assertEquals(errors.map(String), [
    'TypeError: this request cannot be upgraded: the visitor did not offer the subprotocol "unheard-of"',
  ]);
  assertEquals(await within(closed.promise, "the end of a WebSocket"), 1006);
});

Deno.test("A handler that sends without an end to a visitor who does not read is closed with 1013", async () => {
  const ended = Promise.withResolvers<unknown[]>();
  await using published = await Published.start((_request, info) => {
    const { socket, response } = info.upgrade();
    const seen: string[] = [];
    socket.onerror = () => seen.push("error");
    socket.onopen = () => {
      const message = new Uint8Array(MIB);
      let sent = 0;
      while (socket.readyState === WebSocket.OPEN && sent < 1000) {
        socket.send(message);
        sent++;
      }
      seen.push(sent < 200 ? "bounded" : "endless");
    };
    socket.onclose = ({ code }) => ended.resolve([...seen, code]);
    return response;
  });
  using visitor = await published.visit();
  assertEquals((await visitor.closed).code, 1013);
  assertEquals(await within(ended.promise, "the end of a WebSocket"), ["error", "bounded", 1013]);
});

function handshake(target: string, host: string, ...more: readonly string[]): string {
  const fields = HANDSHAKE.map(([name, value]) => `${name}: ${value}`);
  return [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...fields, ...more, "", ""].join("\r\n");
}

/** A handler that is published through a server of its own. */
class Published implements AsyncDisposable {
  private constructor(readonly node: TestNode, readonly client: TestClient) {}

  static async start(
    handler: Handler,
    onError: (error: unknown) => void = () => {},
  ): Promise<Published> {
    const node = TestNode.start({ bus: new MemoryBus() });
    const service = new HandlerService(handler, { onError });
    return new Published(node, await TestClient.connect([node], { service }));
  }

  /** What visitors send as Host. */
  get host(): string {
    return this.client.host;
  }

  async visit(options: VisitOptions = {}): Promise<WebSocketPeer> {
    const headers = { host: this.host };
    return await openWebSocket(`ws://127.0.0.1:${this.node.port}/`, { headers, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.node.stop();
  }
}
