import { Budget } from "../../lib/mux/flow_control.ts";
import { FrameType } from "../../lib/wire/frame.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../lib/wire/limits.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import { type MessageSocket, WebSocketBridge } from "../../lib/websocket/bridge.ts";
import { decodeText } from "../../lib/websocket/message_receiver.ts";
import { bytesOf } from "../../lib/websocket/websocket_transport.ts";
import { ACCEPTED, GET } from "../testing/heads.ts";
import { MemorySocket } from "../testing/memory_socket.ts";
import { SessionFixture } from "../testing/session_fixture.ts";
import { settled } from "../testing/turn.ts";
import { framedPair } from "../testing/framed_pair.ts";
import { webSocketPair } from "../testing/websocket_pair.ts";
import { within } from "../testing/within.ts";

/** Bytes of messages that a bridge may hold, unless a test says otherwise. */
const BACKLOG = 64 * 1024 * 1024;

export interface BridgedOptions {
  /** Bytes of messages that each bridge may hold. */
  readonly backlog?: number;
  /** Bytes of a message that the server's bridge lets through. */
  readonly maxMessage?: number;
}

/** How a WebSocket ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Someone at one end of a WebSocket, who notes what comes. */
export class Talker {
  readonly messages: (string | Uint8Array)[] = [];
  readonly #socket: MessageSocket;
  readonly #cut: () => void;
  readonly #closed = Promise.withResolvers<Closed>();
  #arrived: () => void = () => {};

  /** Makes one whose connection `cut` breaks without a close frame. */
  constructor(socket: MessageSocket, cut: () => void) {
    this.#socket = socket;
    this.#cut = cut;
    socket.addEventListener("message", ({ data, isText }) => {
      if (typeof data === "string") this.messages.push(data);
      else if (isText) this.messages.push(decodeText(bytesOf(data)));
      else if (data instanceof ArrayBuffer) this.messages.push(new Uint8Array(data));
      else if (data instanceof Uint8Array) this.messages.push(data);
      else throw new TypeError("a message is text or bytes");
      this.#arrived();
    });
    socket.addEventListener("close", ({ code, reason }) => this.#closed.resolve({ code, reason }));
    socket.addEventListener("error", () => {});
  }

  /** Resolves with how the connection ended. */
  get closed(): Promise<Closed> {
    return within(this.#closed.promise, "the close of a WebSocket");
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  vanish(): void {
    this.#cut();
  }

  /** Returns the messages once there are that many. */
  async count(messages: number): Promise<readonly (string | Uint8Array)[]> {
    while (this.messages.length < messages) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrived = resolve;
      await within(promise, `message ${this.messages.length + 1} of ${messages}`);
    }
    return this.messages;
  }
}

/** A visitor and an origin who talk through two bridges and the stream between them. */
export interface Bridged extends AsyncDisposable {
  readonly visitor: Talker;
  readonly origin: Talker;
  readonly server: SessionFixture;
  readonly client: SessionFixture;
  readonly finished: Promise<unknown>;
}

/** In memory, of the libraries that a tunnel uses, or of the codec of its own. */
export type SocketKind = "memory" | "real" | "framed";

/** Joins a visitor and an origin, over sockets in memory or real ones. */
export async function bridged(
  kind: SocketKind,
  { backlog = BACKLOG, maxMessage = MAX_WEBSOCKET_MESSAGE }: BridgedOptions = {},
): Promise<Bridged> {
  await using stack = new AsyncDisposableStack();
  const ends = kind === "memory"
    ? memoryEnds()
    : kind === "real"
    ? await realEnds(stack)
    : await framedEnds(stack);
  const [a, b] = MemorySocket.pair();
  const server = stack.use(new SessionFixture("server", a));
  const client = stack.use(new SessionFixture("client", b));
  const [near, far] = await openedWebSocket(server, client);
  const bridges = [
    new WebSocketBridge(ends.serverSocket, near, { backlog: new Budget(backlog), maxMessage }),
    new WebSocketBridge(ends.clientSocket, far, {
      backlog: new Budget(backlog),
      vanish: ends.vanish,
    }),
  ];
  const started = bridges.map((bridge) => bridge.start());
  const rest = stack.move();
  return {
    visitor: ends.visitor,
    origin: ends.origin,
    server,
    client,
    finished: within(
      Promise.all([...started, ...bridges.map(({ finished }) => finished)]),
      "both bridges to finish",
    ),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** Opens a WebSocket's stream that the origin accepts; returns the server's end and the client's. */
export async function openedWebSocket(
  server: SessionFixture,
  client: SessionFixture,
): Promise<[near: Stream, far: Stream]> {
  const { stream, response } = server.session.open(
    FrameType.WSRequest,
    GET,
    false,
  );
  await settled();
  const far = client.streams.at(-1);
  if (far === undefined) throw new Error("the stream did not arrive");
  far.respond(ACCEPTED, false);
  await response;
  return [stream, far];
}

interface Ends {
  readonly visitor: Talker;
  readonly origin: Talker;
  readonly serverSocket: MessageSocket;
  readonly clientSocket: MessageSocket;
  readonly vanish: () => void;
}

function memoryEnds(): Ends {
  const [visitor, serverSocket] = MemorySocket.pair();
  const [clientSocket, origin] = MemorySocket.pair();
  return {
    visitor: new Talker(visitor, () => visitor.cut()),
    origin: new Talker(origin, () => origin.cut()),
    serverSocket,
    clientSocket,
    vanish: () => clientSocket.cut(),
  };
}

/** Uses sockets whose texts are strings: `Deno.serve` towards the visitor, and `ws`. */
async function realEnds(stack: AsyncDisposableStack): Promise<Ends> {
  const outer = stack.use(await webSocketPair());
  const inner = stack.use(await webSocketPair());
  return {
    visitor: new Talker(outer.near, () => outer.near.terminate()),
    origin: new Talker(inner.far, () => inner.near.terminate()),
    serverSocket: outer.far,
    clientSocket: inner.near,
    vanish: () => inner.near.terminate(),
  };
}

async function framedEnds(stack: AsyncDisposableStack): Promise<Ends> {
  const outer = stack.use(await framedPair());
  const inner = stack.use(await framedPair());
  return {
    visitor: new Talker(outer.near, () => outer.near.terminate()),
    origin: new Talker(inner.far, () => inner.far.terminate()),
    serverSocket: outer.far,
    clientSocket: inner.near,
    vanish: () => inner.near.end(),
  };
}
