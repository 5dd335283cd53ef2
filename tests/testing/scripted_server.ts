// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { FrameType } from "../../lib/wire/frame.ts";
import { frameOf, FramePeer } from "./frame_peer.ts";
import { within } from "./within.ts";

/** Where clients are told that their tunnel is; it leads nowhere. */
const PUBLIC_URL = "http://hostile.example";

/** A server that registers every client, and then says what the test wants. */
export class ScriptedServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: WebSocketServer;
  readonly #waiting: FramePeer[] = [];
  #takers: ((client: FramePeer) => void)[] = [];

  private constructor(server: WebSocketServer, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async start(): Promise<ScriptedServer> {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      perMessageDeflate: false,
      path: "/proxy/subscribe",
    });
    await within(new Promise((resolve) => server.on("listening", resolve)), "the server to listen");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port to listen on");
    return new ScriptedServer(server, address.port);
  }

  /** Returns the next connection of a client, before anything was said. */
  async next(): Promise<FramePeer> {
    const client = this.#waiting.shift();
    if (client !== undefined) return client;
    const { promise, resolve } = Promise.withResolvers<FramePeer>();
    this.#takers.push(resolve);
    return await within(promise, "a client to connect");
  }

  /** Returns the next connection of a client once it is registered. */
  async nextRegistered(): Promise<FramePeer> {
    const client = await this.next();
    await register(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await within(promise, "the server to close");
  }

  #accept(socket: WebSocket): void {
    socket.binaryType = "arraybuffer";
    const client = new FramePeer(socket);
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(client);
    else taker(client);
  }
}

/** Registers a client; `features` are those of the server, as an old one has none. Returns what the client sent. */
export async function register(client: FramePeer, features?: unknown): Promise<Uint8Array> {
  client.sendBytes(challengeWith(features));
  const { payload } = await client.next(FrameType.RegistrationRequest);
  client.send(FrameType.RegistrationResponse, {
    payload: JSON.stringify({
      id: "hostile",
      hostnames: ["hostile.example"],
      urls: [PUBLIC_URL],
    }),
  });
  return payload;
}

/** Returns a challenge with these features. */
export function challengeWith(features?: unknown): Uint8Array<ArrayBuffer> {
  // JSON leaves out what is undefined.
  const challenge = {
    nonce: "n".repeat(43),
    server: "hostile/1",
    limits: { streams: 1 },
    features,
  };
  return frameOf(FrameType.RegistrationChallenge, { payload: JSON.stringify(challenge) });
}
