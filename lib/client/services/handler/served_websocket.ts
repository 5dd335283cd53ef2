import type { Field } from "../../../http/fields.ts";
import type { Budget } from "../../../mux/flow_control.ts";
import { type Close, CloseCode } from "../../../websocket/close_code.ts";
import { decodeText, MessageReceiver } from "../../../websocket/message_receiver.ts";
import { ErrorCode, StreamError } from "../../../wire/errors.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../../../wire/limits.ts";
import type { Incoming } from "../service.ts";
import { type MessageData, OutgoingMessages } from "./outgoing_messages.ts";
import { checkClose, SocketCloseEvent } from "./socket_close_event.ts";

export interface ServedWebSocketOptions {
  /** What the visitor asked for, as `ws:` or `wss:`. */
  readonly url: string;
  /** The subprotocol that the handler chose; empty for none. */
  readonly protocol: string;
  /** Bytes of messages that may wait for visitors, shared by all sockets. */
  readonly backlog: Budget;
}

/** By the numbers of the standard. */
type ReadyState = 0 | 1 | 2 | 3;

/**
 * A handler's end of a visitor's WebSocket, with the standard's interface (WHATWG WebSockets, section 3).
 *
 * Where the standard buffers what the peer does not read, this one closes with 1013 once 80 MiB wait.
 */
export class ServedWebSocket extends EventTarget implements WebSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = ServedWebSocket.CONNECTING;
  readonly OPEN = ServedWebSocket.OPEN;
  readonly CLOSING = ServedWebSocket.CLOSING;
  readonly CLOSED = ServedWebSocket.CLOSED;

  readonly url: string;
  readonly protocol: string;
  /** None was agreed upon. */
  readonly extensions = "";
  onopen: ((this: WebSocket, event: Event) => unknown) | null = null;
  onmessage: ((this: WebSocket, event: MessageEvent) => unknown) | null = null;
  onerror: ((this: WebSocket, event: Event) => unknown) | null = null;
  onclose: ((this: WebSocket, event: CloseEvent) => unknown) | null = null;
  readonly #incoming: Incoming;
  readonly #receiver: MessageReceiver;
  readonly #outgoing: OutgoingMessages;
  readonly #finished = Promise.withResolvers<void>();
  #binaryType: BinaryType = "blob";
  #readyState: ReadyState = ServedWebSocket.CONNECTING;
  #closing: Close | null = null;

  constructor(incoming: Incoming, { url, protocol, backlog }: ServedWebSocketOptions) {
    super();
    this.url = url;
    this.protocol = protocol;
    this.#incoming = incoming;
    this.#receiver = new MessageReceiver(incoming, MAX_WEBSOCKET_MESSAGE);
    this.#outgoing = new OutgoingMessages(incoming, backlog, (why) => this.#refuse(why));
    this.addEventListener("open", (event) => {
      if (event instanceof Event) this.onopen?.(event);
    });
    this.addEventListener("error", (event) => {
      if (event instanceof Event) this.onerror?.(event);
    });
    this.addEventListener("message", (event) => {
      if (event instanceof MessageEvent) this.onmessage?.(event);
    });
    this.addEventListener("close", (event) => {
      if (event instanceof SocketCloseEvent) this.onclose?.(event);
    });
  }

  get readyState(): ReadyState {
    return this.#readyState;
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  /** Other words than the two are passed over, as the standard asks. */
  set binaryType(type: BinaryType) {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  /** Bytes that the tunnel has not taken yet, with 64 for each message. */
  get bufferedAmount(): number {
    return this.#outgoing.waiting;
  }

  /**
   * Sends a message.
   *
   * @throws {DOMException} `InvalidStateError` before the socket is open.
   */
  send(data: MessageData): void {
    if (this.#readyState === ServedWebSocket.CONNECTING) {
      throw new DOMException("the WebSocket is not open yet", "InvalidStateError");
    }
    if (this.#readyState === ServedWebSocket.OPEN) this.#outgoing.send(data);
  }

  /**
   * Closes the socket behind what was sent.
   *
   * @throws {DOMException} for a code that is neither 1000 nor from 3000 to 4999, and for a reason of more than 123 bytes.
   */
  close(code: number = CloseCode.NoStatus, reason = ""): void {
    checkClose(code, reason);
    if (this.#readyState === ServedWebSocket.CONNECTING) {
      this.#readyState = ServedWebSocket.CLOSING;
    }
    this.#close(code, reason);
  }

  /** Tells the visitor that its WebSocket is open, and serves it to its end. */
  async accept(fields: readonly Field[], gone: AbortSignal): Promise<void> {
    if (gone.aborted) return this.abandon();
    gone.addEventListener("abort", () => this.#end(CUT, false), { once: true });
    const chosen: readonly Field[] = this.protocol === ""
      ? []
      : [["sec-websocket-protocol", this.protocol]];
    const others = fields.filter(([name]) => name !== "sec-websocket-protocol");
    this.#incoming.respond({ status: 101, fields: [...others, ...chosen] }, false);
    if (this.#readyState === ServedWebSocket.CONNECTING) {
      this.#readyState = ServedWebSocket.OPEN;
      this.dispatchEvent(new Event("open"));
    } else {
      this.#sendClose();
    }
    void this.#receive();
    await this.#finished.promise;
  }

  /** Ends a socket that was not opened, because its handler answered something else. */
  abandon(): void {
    if (this.#readyState === ServedWebSocket.CLOSED) return;
    this.dispatchEvent(new Event("error"));
    this.#end(CUT, false);
  }

  // From the visitor.

  async #receive(): Promise<void> {
    try {
      while (this.#readyState !== ServedWebSocket.CLOSED) {
        const next = this.#receiver.next();
        const received = next instanceof Promise ? await next : next;
        if (received === null) throw new StreamError(ErrorCode.TooLarge, "a message is too long");
        if (!(received instanceof Uint8Array)) {
          this.#close(received.code, received.reason);
          return this.#end(received, true);
        }
        this.#deliver(this.#receiver.isText ? decodeText(received) : received);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #deliver(received: string | Uint8Array<ArrayBuffer>): void {
    if (this.#readyState !== ServedWebSocket.OPEN) return;
    this.dispatchEvent(new MessageEvent("message", { data: this.#shapeOf(received) }));
  }

  #shapeOf(received: string | Uint8Array<ArrayBuffer>): string | Blob | ArrayBuffer {
    if (typeof received === "string") return received;
    if (this.#binaryType === "blob") return new Blob([received]);
    // The bytes share their memory with other messages.
    return received.slice().buffer;
  }

  // To the visitor.

  /** Closes because of something that cannot be sent. */
  #refuse({ code, reason }: Close): void {
    this.dispatchEvent(new Event("error"));
    this.#close(code, reason);
  }

  #close(code: number, reason: string): void {
    if (this.#closing !== null) return;
    this.#closing = { code, reason };
    if (this.#readyState === ServedWebSocket.OPEN) {
      this.#readyState = ServedWebSocket.CLOSING;
      this.#sendClose();
    }
  }

  #sendClose(): void {
    if (this.#closing !== null) this.#outgoing.close(this.#closing);
  }

  // The end.

  #fail(error: unknown): void {
    if (this.#readyState === ServedWebSocket.CLOSED) return;
    if (error instanceof StreamError) this.#incoming.reset(error.code, error.message);
    else this.#incoming.reset(ErrorCode.Protocol, "a text message that is not UTF-8");
    this.dispatchEvent(new Event("error"));
    this.#end(CUT, false);
  }

  #end({ code, reason }: Close, wasClean: boolean): void {
    if (this.#readyState === ServedWebSocket.CLOSED) return;
    this.#readyState = ServedWebSocket.CLOSED;
    this.#outgoing.stop();
    this.dispatchEvent(new SocketCloseEvent({ code, reason, wasClean }));
    this.#finished.resolve();
  }
}

/** An end without a close frame. */
const CUT: Close = { code: CloseCode.Abnormal, reason: "" };
