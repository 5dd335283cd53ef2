// @ts-types="@types/ws"
import { type ClientOptions, WebSocket } from "ws";
import { within } from "./within.ts";

/** Text as it was, or the bytes of a binary message. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** How a WebSocket ended: 1005 for a close frame without a code, 1006 for no close frame at all (RFC 6455 section 7.1.5). */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** Messages that wait to be taken by `next`. */
const MAX_WAITING = 5_000;

/** Bytes of the longest message that a story sends. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

/** One end of a WebSocket, at the visitor or at the origin, with what it was told. */
export class WebSocketPeer implements Disposable {
  readonly socket: WebSocket;
  readonly #waiting: Message[] = [];
  readonly #closed = Promise.withResolvers<Close>();
  #takers: PromiseWithResolvers<Message>[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.#take(data instanceof ArrayBuffer ? new Uint8Array(data) : String(data));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#closed.resolve({ code, reason });
      for (const taker of this.#takers) taker.reject(new Error(`closed with ${code} ${reason}`));
    });
    // A close event follows each error event.
    socket.addEventListener("error", () => {});
  }

  /** Resolves with the way in which this end saw the WebSocket end. */
  get closed(): Promise<Close> {
    return within(this.#closed.promise, "the close of a WebSocket");
  }

  /** Returns the next message, waiting for it. */
  async next(): Promise<Message> {
    const message = this.#waiting.shift();
    if (message !== undefined) return message;
    const taker = Promise.withResolvers<Message>();
    this.#takers.push(taker);
    return await within(taker.promise, "a message");
  }

  /** Returns the next messages, in the order in which they came. */
  async nextOf(count: number): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  send(message: Message): void {
    this.socket.send(message);
  }

  /** Sends a message and resolves once it has left this process. */
  async sent(message: Message): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.send(message, (error) => error ? reject(error) : resolve());
    await promise;
  }

  /** Sends a close frame, without a code when none is given. */
  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  /** Ends the connection without a word. */
  vanish(): void {
    this.socket.terminate();
  }

  [Symbol.dispose](): void {
    this.vanish();
  }

  #take(message: Message): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker.resolve(message);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
  }
}

/** What a visitor's handshake has beside its URL. */
export interface VisitOptions extends ClientOptions {
  /** Subprotocols that are offered, in order. */
  readonly offered?: readonly string[];
}

/** Opens a WebSocket over this machine's loopback, whatever name the Host field has. */
export async function openWebSocket(
  url: string,
  { offered = [], ...options }: VisitOptions = {},
): Promise<WebSocketPeer> {
  const socket = new WebSocket(url, [...offered], {
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD,
    ...options,
  });
  const peer = new WebSocketPeer(socket);
  const opened = Promise.withResolvers<void>();
  socket.on("open", () => opened.resolve());
  socket.on("error", (error) => opened.reject(error));
  await within(opened.promise, `a WebSocket to ${url}`);
  return peer;
}
