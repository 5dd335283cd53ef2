import { assertEquals } from "@std/assert";
import { serveSocket } from "../../../lib/server/listen/serve_socket.ts";
import { SWITCHING_PROTOCOLS } from "../../../lib/server/listen/visit.ts";
import type { MessageSocket } from "../../../lib/websocket/bridge.ts";
import { eventually } from "../../testing/eventually.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { Listening } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { settled } from "../../testing/turn.ts";
import { HANDSHAKE, Opcode, webSocketFrame } from "../../testing/websocket_frame.ts";
import { within } from "../../testing/within.ts";

const REQUEST = `GET / HTTP/1.1\r\nHost: a\r\n${
  HANDSHAKE.map(([name, value]) => `${name}: ${value}\r\n`).join("")
}\r\n`;

/** The first part of a message whose rest never comes. */
const UNFINISHED = webSocketFrame(Opcode.Binary, "x".repeat(100), { fin: false, masked: true });

Deno.test("A visit's WebSocket that is terminated ends the connection of a peer that ignores its close frame", async (t) => {
  for (const isClosing of [true, false]) {
    await t.step(isClosing ? "after a close" : "without a close", async () => {
      await using scene = new Scene();
      using peer = await scene.connect();
      await peer.send(UNFINISHED);
      const socket = await scene.opened;
      if (isClosing) socket.close(1000, "bye");
      socket.terminate?.();
      await peer.readToEnd();
      await eventually("the close", () => scene.closes.length > 0);
      assertEquals(scene.closes.length, 1);
    });
  }
});

Deno.test("A visit's WebSocket can be terminated before it opens, and after it was closed", async () => {
  await using scene = new Scene({ onAccept: (socket) => socket.terminate?.() });
  using peer = await scene.connect();
  const socket = await scene.opened;
  socket.close(1000, "");
  await peer.send(webSocketFrame(Opcode.Close, new Uint8Array([3, 232]), { masked: true }));
  await eventually("the close", () => scene.closes.length > 0);
  socket.terminate?.();
  await peer.readToEnd();
  assertEquals(scene.closes, [1000]);
});

Deno.test("A visit's WebSocket whose resource is not found is closed as the API can", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  // One that is still being opened by this side has no resource, as none has for us in a Deno that names it otherwise.
  const unopened = new WebSocket(`ws://127.0.0.1:${listener.addr.port}`);
  const closed = new Promise<void>((resolve) =>
    unopened.addEventListener("close", () => resolve())
  );
  const socket = serveSocket(unopened, () => {});
  using _peer = await within(listener.accept(), "a handshake, which gets no answer");
  socket.terminate?.();
  assertEquals(unopened.readyState, WebSocket.CLOSING);
  await within(closed, "the close");
});

Deno.test("A visit's WebSocket whose peer answers no ping closes once, as one without a close frame", async () => {
  await using scene = new Scene({ idleTimeout: 0.2 });
  using peer = await scene.connect();
  await scene.opened;
  await peer.readToEnd();
  await eventually("the close", () => scene.closes.length > 0);
  assertEquals(scene.closes, [1006]);
});

Deno.test("serveSocket tells after 10 s of a WebSocket that never opens, once", async () => {
  // An upgrade that Deno leaves hanging keeps its server from ever shutting down: a handshake without an answer stands for it.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const unopened = new WebSocket(`ws://127.0.0.1:${listener.addr.port}`);
  const failed = new Promise((resolve) => unopened.addEventListener("error", resolve));
  const closes: number[] = [];
  {
    using clock = new FakeClock();
    const socket = serveSocket(unopened, () => {});
    socket.addEventListener("close", ({ code }) => closes.push(code));
    clock.advance(9_999);
    assertEquals(closes, []);
    clock.advance(1);
    assertEquals([closes, clock.pending], [[1006], 0]);
  }
  (await listener.accept()).close();
  await within(failed, "the end of the handshake");
  await settled();
  assertEquals(closes, [1006]);
});

interface SceneOptions {
  /** Seconds. @default none */
  readonly idleTimeout?: number;
  readonly onAccept?: (socket: MessageSocket) => void;
}

/** A listener that accepts each visit's WebSocket. */
class Scene extends Listening {
  /** The codes of the close events that were told. */
  readonly closes: number[] = [];
  readonly #opened: PromiseWithResolvers<MessageSocket>;

  constructor({ idleTimeout = 0, onAccept }: SceneOptions = {}) {
    const opened = Promise.withResolvers<MessageSocket>();
    super((visit) => {
      const socket = visit.accept({ idleTimeout, onOpen: () => opened.resolve(socket) });
      socket.addEventListener("close", ({ code }) => this.closes.push(code));
      onAccept?.(socket);
      return SWITCHING_PROTOCOLS;
    });
    this.#opened = opened;
  }

  /** Resolves with the WebSocket that has opened. */
  get opened(): Promise<MessageSocket> {
    return within(this.#opened.promise, "a WebSocket to open");
  }

  /** Connects and sends a handshake. */
  async connect(): Promise<RawHTTP> {
    const peer = await RawHTTP.open(this.port);
    await peer.send(REQUEST);
    return peer;
  }
}
