import { SOCKET_HIGH_WATER } from "../wire/limits.ts";
import { endOfTurn, TEXT_MESSAGE, type Transport, type TransportEvents } from "../mux/transport.ts";
import { Specimens } from "../mux/v8_memory.ts";
import { type Close, CloseCode, closeText, isFault } from "./close_code.ts";

/** Milliseconds in which bytes must still move to a peer that was sent a close frame, before its connection is ended. */
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
  /** Called whenever some of what waited was sent; Deno's have no such event. */
  onSent?: (() => void) | null;
  /** The rule that the peer broke, or null; Deno's do not tell it. */
  readonly fault?: string | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  /** Ends the connection at once, without a close frame. */
  terminate?(): void;
  addEventListener(type: "message", listener: (event: SocketMessage) => void): void;
  addEventListener(type: "close", listener: (event: Close) => void): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
}

const specimens = new Specimens();

/** The transport over a WebSocket object. */
export class WebSocketTransport implements Transport {
  readonly #socket: WebSocketLike;
  readonly #closeTimeout: number;
  readonly #left = Promise.withResolvers<void>();
  #events: TransportEvents | null = null;
  #polling: ReturnType<typeof setTimeout> | undefined;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #listening: ReturnType<typeof setTimeout> | undefined;
  /** Bytes sent since the peer was last heard. */
  #unheard = 0;
  #open = true;
  #isBroken = false;
  #wantsDrain = false;

  /** Takes the socket over; `closeTimeout` are the milliseconds in which bytes must still move once it is closed. */
  constructor(socket: WebSocketLike, closeTimeout = CLOSE_TIMEOUT) {
    this.#socket = socket;
    this.#closeTimeout = closeTimeout;
    if (socket.onSent !== undefined) socket.onSent = () => this.#drained();
    socket.addEventListener("close", ({ code, reason }) => {
      clearTimeout(this.#closing);
      const fault = socket.fault ?? null;
      this.#isBroken = fault !== null || isFault(code);
      this.#closed(fault ?? closeText(code, reason));
      this.#left.resolve();
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

  /** Resolves when the connection is closed: all that could be sent has left this process. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Whether it was closed because one of the two sides broke the protocol, or failed. */
  get isBroken(): boolean {
    return this.#isBroken;
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
    const mayBeHeldBack = this.#socket.onSent === undefined && this.#unheard >= UNHEARD_BYTES;
    if (mayBeHeldBack && this.#listening === undefined) this.#listen();
    this.#events?.onSent(message.length);
  }

  soon(task: () => void): void {
    endOfTurn(task);
  }

  notifyDrain(): void {
    this.#wantsDrain = true;
    if (this.#socket.onSent === undefined) this.#poll();
    else if (this.writable) endOfTurn(() => this.#drained());
  }

  close(reason: string): void {
    if (!this.#open) return;
    this.#closed(reason);
    this.#socket.close(CloseCode.Normal, "");
    if (this.#socket.terminate !== undefined) this.#limitClosing();
  }

  #limitClosing(): void {
    const { bufferedAmount } = this.#socket;
    this.#closing = setTimeout(() => {
      if (this.#socket.bufferedAmount < bufferedAmount) this.#limitClosing();
      else this.#socket.terminate?.();
    }, this.#closeTimeout);
  }

  /** Looks at a socket without an event until it has room. */
  #poll(): void {
    if (!this.#open) return;
    this.#polling ??= setTimeout(() => {
      this.#polling = undefined;
      if (this.writable) this.#drained();
      else this.#poll();
    }, DRAIN_POLL);
  }

  #drained(): void {
    if (!this.#wantsDrain || !this.#open || !this.writable) return;
    this.#wantsDrain = false;
    this.#events?.onDrain();
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
