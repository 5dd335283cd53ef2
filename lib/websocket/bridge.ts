import { ErrorCode, StreamError } from "../wire/errors.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";
import { waitAtMost } from "../net/with_timeout.ts";
import type { Budget } from "../mux/flow_control.ts";
import type { Stream } from "../mux/stream.ts";
import { type Close, CloseCode } from "./close_code.ts";
import { ClosingHandshake } from "./closing_handshake.ts";
import { decodeText, MessageReceiver } from "./message_receiver.ts";
import { Backlog, HIGH_WATER, MessageSender, type MessageStream } from "./message_sender.ts";
import { bytesOf, type SocketMessage, type WebSocketLike } from "./websocket_transport.ts";

/** Milliseconds between looks at a full socket, which has no drain event. */
const DRAIN_POLL = 5;

/** Milliseconds in which a socket has to take what the other side had sent before it vanished; a socket that reads needs few. */
const LAST_MESSAGES_TIMEOUT = 2_000;

/** What a bridge needs of its stream: of one that is served, or of what stands for it. */
export type BridgedStream =
  & MessageStream
  & Pick<Stream, "receiveEnded" | "read" | "onAbort">;

/** What the WebSockets of visitors and of origins have in common. */
export interface MessageSocket extends WebSocketLike {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /**
   * Sends a text by its octets: a `FramedSocket` needs no string for it, Deno's takes nothing else.
   *
   * @throws {TypeError} when it is not UTF-8.
   */
  sendText?(utf8: Uint8Array): void;
  /** Stops reading, and goes on: Deno's own sockets cannot. */
  pause?(): void;
  resume?(): void;
  /**
   * Refuses messages of more than so many bytes from now on, by their first header; more than before, or before the first.
   * `onTooLong` is called in place of such a message, and nothing comes after it; without it, 1009 closes the socket.
   */
  limit?(maxMessage: number, onTooLong?: () => void): void;
}

const encoder = new TextEncoder();

/**
 * Joins a WebSocket and a stream: messages, their kind, their order and the close go both ways.
 *
 * A socket that can be paused is, while more than 1 MiB of what it brought waits for the stream. For one
 * that cannot, the backlog holds what the tunnel has not taken yet; when that becomes too much, the
 * socket is closed with 1013.
 *
 * The sender of a message that is too long gets 1009. The other side gets all that came before, then 1011. When one
 * side vanishes, the other gets all that came before, and then its socket ends.
 */
export class WebSocketBridge {
  readonly #socket: MessageSocket;
  readonly #stream: BridgedStream;
  readonly #incoming: MessageReceiver;
  readonly #outgoing: MessageSender;
  readonly #closing: ClosingHandshake;
  readonly #vanish: () => void;
  readonly #maxMessage: number;
  readonly #onTooLong: () => void;
  readonly #beforeSend: (length: number) => void;
  /** Whether messages from the socket are dropped. */
  #deaf = false;
  #isAborted = false;
  /** Settled when nothing more of what the stream brings is written. */
  readonly #pumped = Promise.withResolvers<void>();
  #done: () => void = () => {};

  /** Resolves when the socket is closed and the stream is over. */
  readonly finished: Promise<void>;

  constructor(
    socket: MessageSocket,
    stream: BridgedStream,
    options: {
      /** Bytes of messages that may wait, shared by all sockets. */
      readonly backlog: Budget;
      /** Bytes that may wait without being counted there. @default 1 MiB */
      readonly freeBacklog?: number;
      /** Bytes of a message, either way. @default 64 MiB */
      readonly maxMessage?: number;
      /** Called when a message was longer. */
      readonly onTooLong?: () => void;
      /** Ends the socket without a close frame, where that can be done. */
      readonly vanish?: () => void;
      /** Called before each message that goes to the socket. Its length is in bytes. */
      readonly beforeSend?: (length: number) => void;
    },
  ) {
    this.#socket = socket;
    this.#stream = stream;
    this.#closing = new ClosingHandshake(
      socket,
      () => this.#onClose(CloseCode.Abnormal, "the close was not answered"),
    );
    const backlog = new Backlog(options.backlog, options.freeBacklog ?? HIGH_WATER);
    this.#outgoing = new MessageSender(stream, backlog, {
      onRoom: () => {
        if (!this.#closing.isOver) socket.resume?.();
      },
      onEnd: () => {
        if (this.#closing.isOver) this.#done();
      },
    });
    this.#vanish = options.vanish ??
      (() => this.#closing.close(CloseCode.BadGateway, "the other side is gone"));
    this.#maxMessage = options.maxMessage ?? MAX_WEBSOCKET_MESSAGE;
    this.#incoming = new MessageReceiver(stream, this.#maxMessage);
    this.#onTooLong = options.onTooLong ?? (() => {});
    this.#beforeSend = options.beforeSend ?? (() => {});
    this.finished = new Promise((resolve) => this.#done = resolve);
    stream.onAbort = () => void this.#onAbort();
    socket.limit?.(this.#maxMessage, () => this.#refuseMessage());
    socket.addEventListener("message", (event) => this.#onMessage(event));
    socket.addEventListener("close", (event) => this.#onClose(event.code, event.reason));
    // A close event follows each error event and tells the rest.
    socket.addEventListener("error", () => {});
  }

  /** Begins to write what the stream brings; to be called once the socket is open. */
  async start(): Promise<void> {
    try {
      await this.#pumpToSocket();
    } catch (error) {
      if (!this.#isAborted) this.#fail(error);
    }
    this.#pumped.resolve();
  }

  /** Ends the socket behind what the stream has brought, for the other side has vanished. */
  async #onAbort(): Promise<void> {
    this.#isAborted = true;
    await waitAtMost(LAST_MESSAGES_TIMEOUT, this.#pumped.promise);
    if (!this.#closing.isOver) this.#vanish();
  }

  // From the socket to the stream.

  #onMessage({ data, isText }: SocketMessage): void {
    if (this.#deaf) {
      this.#closing.heard();
      return;
    }
    const isString = typeof data === "string";
    const bytes = isString ? encoder.encode(data) : bytesOf(data);
    if (bytes.length > this.#maxMessage) return this.#refuseMessage();
    if (!this.#outgoing.send(bytes, isString || isText === true)) {
      this.#closeOnSender(
        CloseCode.TryAgainLater,
        "messages arrive faster than the tunnel can carry them",
      );
      return;
    }
    if (this.#outgoing.crowded) this.#socket.pause?.();
  }

  /** Closes both sides for a message of the socket that is too long. */
  #refuseMessage(): void {
    const reason = this.#tooLong();
    this.#closeOnSender(CloseCode.TooBig, reason);
    this.#outgoing.close(CloseCode.Internal, reason);
  }

  #onClose(code: number, reason: string): void {
    if (this.#closing.isOver) return;
    this.#closing.finish();
    this.#outgoing.close(code, reason);
    if (this.#stream.receiveEnded || this.#stream.sendEnded) this.#done();
  }

  // From the stream to the socket.

  async #pumpToSocket(): Promise<void> {
    for (;;) {
      const next = this.#incoming.next();
      const received = next instanceof Promise ? await next : next;
      if (received === null) return await this.#refuseRest();
      if (!(received instanceof Uint8Array)) {
        this.#tearDown(received);
        return;
      }
      this.#send(received);
      if (this.#socket.bufferedAmount > HIGH_WATER) await this.#drained();
    }
  }

  /** Closes both sides for a message that is too long, and reads to the end: its sender's close frame comes behind the message. */
  async #refuseRest(): Promise<void> {
    const reason = this.#tooLong();
    this.#deaf = true;
    this.#closing.close(CloseCode.Internal, reason);
    this.#outgoing.close(CloseCode.TooBig, reason);
    await this.#incoming.dropRest();
    if (this.#closing.isOver) this.#done();
  }

  /** @throws {TypeError} for a text that is not UTF-8. */
  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#closing.isOver) return;
    this.#beforeSend(bytes.length);
    const socket = this.#socket;
    if (!this.#incoming.isText) socket.send(bytes);
    else if (socket.sendText !== undefined) socket.sendText(bytes);
    else socket.send(decodeText(bytes));
  }

  #tearDown({ code, reason }: Close): void {
    this.#closing.close(code, reason);
    if (this.#closing.isOver) this.#done();
  }

  async #drained(): Promise<void> {
    while (!this.#closing.isOver && this.#socket.bufferedAmount > HIGH_WATER) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL));
    }
  }

  #fail(error: unknown): void {
    if (error instanceof StreamError) this.#stream.reset(error.code, error.message);
    else this.#stream.reset(ErrorCode.Protocol, "a text message that is not UTF-8");
    const tooLarge = error instanceof StreamError && error.code === ErrorCode.TooLarge;
    this.#closing.close(
      tooLarge ? CloseCode.TooBig : CloseCode.Internal,
      "the tunnel could not go on",
    );
    if (this.#closing.isOver) this.#done();
  }

  /** Counts a message that is too long, and says so. */
  #tooLong(): string {
    this.#onTooLong();
    return `a message of more than ${this.#maxMessage} bytes`;
  }

  /** Closes the socket because of what it brought, and drops what it still brings. */
  #closeOnSender(code: number, reason: string): void {
    this.#deaf = true;
    this.#closing.closeWhenQuiet(code, reason);
  }
}
