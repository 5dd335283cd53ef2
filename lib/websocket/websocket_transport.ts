import { SOCKET_HIGH_WATER } from "../wire/limits.ts";
import { endOfTurn, TEXT_MESSAGE, type Transport, type TransportEvents } from "../mux/transport.ts";
import { Specimens } from "../mux/v8_memory.ts";
import { type Close, CloseCode, closeText } from "./close_code.ts";

/** Milliseconds that a peer has to answer a close frame, before its connection is ended all the same. */
const CLOSE_TIMEOUT = 5_000;

/** Milliseconds between looks at a full socket: WebSocket objects have no drain event. */
const DRAIN_POLL = 2;

/**
 * Bytes sent since the peer was last heard, from which on they may not have left: a socket takes at least so many at
 * once. Deno's WebSocket over TLS keeps the end of a message that a full socket did not take, up to 64 KiB with
 * `bufferedAmount` at 0, until the next message comes or goes (https://github.com/denoland/deno/issues/36862).
 */
const UNHEARD_BYTES = 16_384;

/** Milliseconds after such bytes until the peer is asked for a sign of life, and between two such questions. */
const UNHEARD_TIMEOUT = 200;

/** The event of a message. */
export interface SocketMessage {
  /** A text, or bytes in some form but a Blob's. */
  readonly data: unknown;
  /** Whether these bytes are those of a text, in UTF-8, for which no string was made. */
  readonly isText?: boolean;
}

/** What Deno's `WebSocket`, whose `binaryType` is `arraybuffer`, and `FramedSocket` have in common. */
export interface WebSocketLike {
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  /** Ends the connection at once, without a close frame. */
  terminate?(): void;
  addEventListener(type: "message", listener: (event: SocketMessage) => void): void;
  addEventListener(type: "close", listener: (event: Close) => void): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
}

const specimens = new Specimens();

/** The transport over a WebSocket object; the server's end of a connection. */
export class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  #events: TransportEvents | null = null;
  #polling: ReturnType<typeof setTimeout> | undefined;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #listening: ReturnType<typeof setTimeout> | undefined;
  /** Bytes sent since the peer was last heard. */
  #unheard = 0;
  #open = true;

  constructor(socket: WebSocketLike) {
    this.#socket = socket;
    socket.addEventListener("close", (event) => {
      clearTimeout(this.#closing);
      this.#closed(closeText(event.code, event.reason));
    });
    // A close event follows each error event and tells the rest.
    socket.addEventListener("error", () => {});
    socket.addEventListener("message", (event) => {
      specimens.keep(event);
      this.#unheard = 0;
      this.#events?.onMessage(event.isText === true ? TEXT_MESSAGE : bytesOf(event.data));
    });
  }

  start(events: TransportEvents): void {
    this.#events = events;
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
    this.#unheard += message.length;
    if (this.#unheard >= UNHEARD_BYTES && this.#listening === undefined) {
      this.#listen();
    }
    this.#events?.onSent(message.length);
  }

  soon(task: () => void): void {
    endOfTurn(task);
  }

  notifyDrain(): void {
    if (this.#polling !== undefined || !this.#open) return;
    const look = (): void => {
      this.#polling = undefined;
      if (!this.#open) return;
      if (this.writable) this.#events?.onDrain();
      else this.#polling = setTimeout(look, DRAIN_POLL);
    };
    this.#polling = setTimeout(look, DRAIN_POLL);
  }

  close(reason: string): void {
    if (!this.#open) return;
    this.#closed(reason);
    this.#socket.close(CloseCode.Normal, "");
    if (this.#socket.terminate !== undefined) {
      this.#closing = setTimeout(() => this.#socket.terminate?.(), CLOSE_TIMEOUT);
    }
  }

  /** Has the peer asked for a sign of life, again and again, until few bytes are unheard. */
  #listen(): void {
    this.#listening = setTimeout(() => {
      this.#listening = undefined;
      if (this.#unheard < UNHEARD_BYTES) return;
      this.#listen();
      this.#events?.onUnheard();
    }, UNHEARD_TIMEOUT);
  }

  #closed(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#polling);
    clearTimeout(this.#listening);
    this.#events?.onClose(reason);
  }
}

/** Returns the bytes of a message event, and the empty message for a text. */
export function bytesOf(data: unknown): Uint8Array<ArrayBuffer> {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (!(data instanceof Uint8Array)) return TEXT_MESSAGE;
  const { buffer, byteOffset, length } = data;
  return buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : data.slice();
}
