import { setImmediate } from "node:timers";
import { SOCKET_HIGH_WATER } from "../wire/limits.ts";
import { Specimens } from "./v8_memory.ts";

/** The WebSocket subprotocol (RFC 6455 section 1.9) that PROTOCOL.md describes. */
export const SUBPROTOCOL = "tunnel.v1";

/** The path on a server's own host where clients connect. */
export const SUBSCRIBE_PATH = "/proxy/subscribe";

/** Milliseconds between looks at a full socket: WebSocket objects have no drain event. */
const DRAIN_POLL = 2;

/** Stands for a text message: the empty message, which no peer may send either. */
export const TEXT_MESSAGE = new Uint8Array(0);

/** What Deno's `WebSocket` and the one of `ws` have in common. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
}

/** What a session is told by its transport. */
export interface TransportListener {
  onMessage(message: Uint8Array<ArrayBuffer>): void;
  /** Counts what was sent, in bytes. */
  onSent(bytes: number): void;
  /** Room for body data again. */
  onDrain(): void;
  /** The last call: nothing comes and nothing goes any more. */
  onClose(reason: string): void;
}

/** Ordered binary messages over one open WebSocket, whoever speaks it. */
export interface Transport {
  /** Delivers to `listener` from now on; to be set in the turn in which the transport was made. */
  listen(listener: TransportListener): void;
  /** Bytes that were sent and have not left yet. */
  readonly buffered: number;
  /** Whether body data may be sent. */
  readonly writable: boolean;
  /** Sends a message; its bytes may be changed as soon as this returns. */
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Runs `task` at the end of this turn of the event loop, when all that has arrived is handled. */
  soon(task: () => void): void;
  /** Calls `onDrain` once it is writable. */
  notifyDrain(): void;
  /** Sends the close frame after all that is buffered; `onClose` is called at once. */
  close(reason: string): void;
}

/** The transport over a WebSocket object, which has no drain event. */
export class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  #listener: TransportListener | null = null;
  #polling: ReturnType<typeof setTimeout> | undefined;
  #open = true;

  constructor(socket: WebSocketLike) {
    this.#socket = socket;
    socket.addEventListener("close", (event) => this.#closed(closeText(event.code, event.reason)));
    // A close event follows each error event and tells the rest.
    socket.addEventListener("error", () => {});
    socket.addEventListener("message", (event) => {
      events.keep(event);
      this.#listener?.onMessage(bytesOf(event.data));
    });
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
  }

  get buffered(): number {
    return this.#open ? this.#socket.bufferedAmount : 0;
  }

  get writable(): boolean {
    return this.buffered < SOCKET_HIGH_WATER;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (!this.#open) return;
    this.#socket.send(message);
    this.#listener?.onSent(message.length);
  }

  soon(task: () => void): void {
    endOfTurn(task);
  }

  notifyDrain(): void {
    if (this.#polling !== undefined || !this.#open) return;
    const look = (): void => {
      this.#polling = undefined;
      if (!this.#open) return;
      if (this.writable) this.#listener?.onDrain();
      else this.#polling = setTimeout(look, DRAIN_POLL);
    };
    this.#polling = setTimeout(look, DRAIN_POLL);
  }

  close(reason: string): void {
    if (!this.#open) return;
    this.#closed(reason);
    this.#socket.close(1000, "");
  }

  #closed(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#polling);
    this.#listener?.onClose(reason);
  }
}

const events = new Specimens();
const turns = new Specimens();

/** Runs a task when all that has arrived in this turn of the event loop is handled. */
export function endOfTurn(task: () => void): void {
  turns.keep(setImmediate(task));
}

/** Tells how a connection ended, by the close code (RFC 6455 section 7.1.5) and the reason beside it. */
export function closeText(code: number, reason: string): string {
  if (reason !== "") return reason;
  return code === 1006 ? "the connection was cut" : `the connection was closed (${code})`;
}

/** Returns what a binary message holds, and the empty message for a text. */
export function bytesOf(data: unknown): Uint8Array<ArrayBuffer> {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (!(data instanceof Uint8Array)) return TEXT_MESSAGE;
  const { buffer, byteOffset, length } = data;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : data.slice();
}
