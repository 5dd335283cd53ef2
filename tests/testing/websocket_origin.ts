import type { IncomingMessage } from "node:http";
// @ts-types="@types/ws"
import { type ServerOptions, WebSocketServer } from "ws";
import { WebSocketPeer } from "./websocket_peer.ts";
import { within } from "./within.ts";

/** Bytes of the longest message that a story sends. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

/** A WebSocket that an origin has accepted, with the request that asked for it. */
export interface Accepted {
  readonly peer: WebSocketPeer;
  readonly request: IncomingMessage;
}

export interface WebSocketOriginOptions extends ServerOptions {
  /** Lines put into each 101, such as `Set-Cookie: a=1`. */
  readonly lines?: readonly string[];
}

/** An origin that accepts WebSockets, made with `ws`, as most services on Node are. */
export class WebSocketOrigin implements AsyncDisposable {
  readonly port: number;
  readonly #server: WebSocketServer;
  readonly #waiting: Accepted[] = [];
  #takers: ((accepted: Accepted) => void)[] = [];

  private constructor(server: WebSocketServer, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (socket, request) => {
      const accepted = { peer: new WebSocketPeer(socket), request };
      const taker = this.#takers.shift();
      if (taker === undefined) this.#waiting.push(accepted);
      else taker(accepted);
    });
  }

  static async start(
    { lines = [], ...options }: WebSocketOriginOptions = {},
  ): Promise<WebSocketOrigin> {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      perMessageDeflate: false,
      maxPayload: MAX_PAYLOAD,
      ...options,
    });
    server.on("headers", (head) => head.push(...lines));
    await within(new Promise((resolve) => server.on("listening", resolve)), "the origin to listen");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port to listen on");
    return new WebSocketOrigin(server, address.port);
  }

  /** Returns the next WebSocket, waiting for it. */
  async next(): Promise<Accepted> {
    const accepted = this.#waiting.shift();
    if (accepted !== undefined) return accepted;
    const { promise, resolve } = Promise.withResolvers<Accepted>();
    this.#takers.push(resolve);
    return await within(promise, "a WebSocket at the origin");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await within(promise, "the origin to close");
  }
}
