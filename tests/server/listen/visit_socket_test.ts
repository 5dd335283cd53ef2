import { assertEquals } from "@std/assert";
import { LISTENER_KINDS, type ListenerKind } from "../../../lib/server/listen/listener.ts";
import { SWITCHING_PROTOCOLS } from "../../../lib/server/listen/visit.ts";
import type { MessageSocket } from "../../../lib/websocket/bridge.ts";
import { eventually } from "../../testing/eventually.ts";
import { answerWith, Listening } from "../../testing/listening.ts";
import { RawHTTP } from "../../testing/raw_http.ts";
import { HANDSHAKE, Opcode, webSocketFrame } from "../../testing/websocket_frame.ts";
import { within } from "../../testing/within.ts";

const REQUEST = `GET / HTTP/1.1\r\nHost: a\r\n${
  HANDSHAKE.map(([name, value]) => `${name}: ${value}\r\n`).join("")
}\r\n`;

/** The first part of a message whose rest never comes. */
const UNFINISHED = webSocketFrame(Opcode.Binary, "x".repeat(100), { fin: false, masked: true });

for (const kind of LISTENER_KINDS) {
  Deno.test(`A visit's WebSocket that is terminated ends the connection of a peer that ignores its close frame (${kind})`, async (t) => {
    for (const isClosing of [true, false]) {
      await t.step(isClosing ? "after a close" : "without a close", async () => {
        await using scene = new Scene({ kind });
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

  Deno.test(`A visit's WebSocket whose peer answers no ping closes once, as one without a close frame (${kind})`, async () => {
    await using scene = new Scene({ kind, idleTimeout: 0.2 });
    using peer = await scene.connect();
    await scene.opened;
    await peer.readToEnd();
    await eventually("the close", () => scene.closes.length > 0);
    assertEquals(scene.closes, [1006]);
  });
}

for (const kind of LISTENER_KINDS) {
  Deno.test(`A visit that fails behind its WebSocket's accept ends that alone (${kind})`, async () => {
    const closes: number[] = [];
    await using listening = new Listening((visit) => {
      if (visit.target === "/other") return answerWith("well");
      const socket = visit.accept({ idleTimeout: 0, onOpen: () => closes.push(0) });
      socket.addEventListener("close", ({ code }) => closes.push(code));
      throw new Error("it fails");
    }, { kind });
    using other = await RawHTTP.open(listening.port);
    const again = async () => {
      const { text } = await other.exchange("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
      assertEquals(text, "well");
    };
    await again();
    using peer = await RawHTTP.open(listening.port);
    await peer.send(REQUEST);
    await eventually("the close", () => closes.length > 0);
    // On the same connection, which ends when the listener does.
    await again();
    assertEquals(closes, [1006]);
  });
}

Deno.test("A visit's WebSocket can be terminated before it opens, and after it was closed (serve)", async () => {
  await using scene = new Scene({ kind: "serve", onAccept: (socket) => socket.terminate?.() });
  using peer = await scene.connect();
  const socket = await scene.opened;
  socket.close(1000, "");
  await peer.send(webSocketFrame(Opcode.Close, new Uint8Array([3, 232]), { masked: true }));
  await eventually("the close", () => scene.closes.length > 0);
  socket.terminate?.();
  await peer.readToEnd();
  assertEquals(scene.closes, [1000]);
});

Deno.test("A visit's WebSocket that is terminated before it opens ends its connection then (own)", async () => {
  await using scene = new Scene({ kind: "own", onAccept: (socket) => socket.terminate?.() });
  using peer = await scene.connect();
  assertEquals(await peer.readToEnd(), "");
  assertEquals(scene.closes, [1006]);
});

interface SceneOptions {
  readonly kind: ListenerKind;
  /** Seconds. @default none */
  readonly idleTimeout?: number;
  readonly onAccept?: (socket: MessageSocket) => void;
}

/** A listener that accepts each visit's WebSocket. */
class Scene extends Listening {
  /** The codes of the close events that were told. */
  readonly closes: number[] = [];
  readonly #opened: PromiseWithResolvers<MessageSocket>;

  constructor({ kind, idleTimeout = 0, onAccept }: SceneOptions) {
    const opened = Promise.withResolvers<MessageSocket>();
    super((visit) => {
      const socket = visit.accept({ idleTimeout, onOpen: () => opened.resolve(socket) });
      socket.addEventListener("close", ({ code }) => this.closes.push(code));
      onAccept?.(socket);
      return SWITCHING_PROTOCOLS;
    }, { kind });
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
