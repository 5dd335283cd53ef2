import type { WebSocketLike } from "../../lib/websocket/websocket_transport.ts";

/** What passes between two sockets: a message or the end. */
type Item = string | Uint8Array<ArrayBuffer> | { readonly code: number; readonly reason: string };

interface SocketEvent {
  readonly data: unknown;
  readonly code: number;
  readonly reason: string;
}

/** Values of a WebSocket's `readyState`. */
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** One end of a WebSocket without a network: it can be full, be closed and vanish, at the test's word. */
export class MemorySocket implements WebSocketLike {
  readyState = OPEN;
  /** Close codes given to `close`, in order; 1005 for none. */
  readonly closeCalls: number[] = [];
  #peer: MemorySocket = this;
  #held = false;
  #unsent: Item[] = [];
  #buffered = 0;
  readonly #listeners: { type: string; listener: (event: SocketEvent) => void }[] = [];

  /** Makes two ends that are joined. */
  static pair(): [MemorySocket, MemorySocket] {
    const [a, b] = [new MemorySocket(), new MemorySocket()];
    a.#peer = b;
    b.#peer = a;
    return [a, b];
  }

  get bufferedAmount(): number {
    return this.#buffered;
  }

  /** Keeps what is sent from now on, as the socket of a peer that does not read. */
  hold(): void {
    this.#held = true;
  }

  /** Lets everything go that was kept. */
  release(): void {
    this.#held = false;
    this.#buffered = 0;
    for (const item of this.#unsent.splice(0)) this.#pass(item);
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== OPEN) throw new DOMException("not open", "InvalidStateError");
    // The bytes may change as soon as this returns.
    this.#put(typeof data === "string" ? data : data.slice(), data.length);
  }

  close(code?: number, reason = ""): void {
    if (code !== undefined && !mayBeSent(code)) {
      throw new DOMException(`close code ${code}`, "InvalidAccessError");
    }
    this.closeCalls.push(code ?? 1005);
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#put({ code: code ?? 1005, reason }, 0);
  }

  /** Breaks the connection: both ends close with 1006, and nothing that was kept arrives. */
  cut(): void {
    this.#peer.#closed(1006, "");
    this.#closed(1006, "");
  }

  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void {
    this.#listeners.push({ type, listener });
  }

  #put(item: Item, length: number): void {
    if (!this.#held) {
      this.#pass(item);
      return;
    }
    this.#unsent.push(item);
    this.#buffered += length;
  }

  #pass(item: Item): void {
    // Never in the sender's own call: a real socket's message comes later.
    queueMicrotask(() => this.#peer.#receive(item));
  }

  #receive(item: Item): void {
    if (this.readyState === CLOSED) return;
    if (typeof item === "string") {
      this.#dispatch("message", item);
    } else if (item instanceof Uint8Array) {
      this.#dispatch("message", item.buffer);
    } else {
      this.#peer.#closed(item.code, item.reason);
      this.#closed(item.code, item.reason);
    }
  }

  #closed(code: number, reason: string): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#dispatch("close", undefined, code, reason);
  }

  #dispatch(type: string, data: unknown, code = 0, reason = ""): void {
    for (const each of this.#listeners) {
      if (each.type === type) each.listener({ data, code, reason });
    }
  }
}

/** Whether a close frame may carry that code (RFC 6455 section 7.4). */
function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999);
}
