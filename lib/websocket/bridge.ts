import { Backlog } from "./backlog.ts";
import { ErrorCode, StreamError } from "../wire/errors.ts";
import { decodeReset } from "../wire/reasons.ts";
import { FrameFlag, FrameType } from "../wire/frame.ts";
import type { Budget } from "../mux/flow_control.ts";
import { MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";
import { MessageParts } from "./message_parts.ts";
import { HIGH_WATER, MessageSender } from "./message_sender.ts";
import { QuietWait } from "./quiet_wait.ts";
import type { Chunk } from "../mux/receive_queue.ts";
import type { Stream } from "../mux/stream.ts";
import { decodeText } from "./text.ts";
import { bytesOf, type WebSocketLike } from "../mux/transport.ts";

/** Milliseconds between looks at a full socket, which has no drain event. */
const DRAIN_POLL = 5;

/** Bytes of a close reason (RFC 6455 section 5.5: a control frame has 125, two are the code). */
const MAX_CLOSE_REASON = 123;

/** Stands for a close frame without a code (RFC 6455 section 7.4.1). */
const NO_STATUS = 1005;

/** Close codes, the first two of RFC 6455 section 7.4.1, the last registered later: a gateway's upstream failed. */
const TOO_BIG = 1009;
const INTERNAL = 1011;
const TRY_AGAIN = 1013;
const BAD_GATEWAY = 1014;

/** What the WebSockets of visitors and of origins have in common; their binary type is one of bytes. */
export interface MessageSocket extends WebSocketLike {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Stop and go on reading, where a socket can: the one of `ws`, not Deno's. */
  pause?(): void;
  resume?(): void;
}

const encoder = new TextEncoder();

/**
 * Joins a WebSocket and a stream: messages, their kind, their order and the close go both ways.
 *
 * A socket that can be told to stop reading is, while more than a little of what it brought waits for
 * the stream. What another brings faster than the tunnel takes it is held as its backlog; when that
 * becomes too much, the socket is closed with 1013.
 *
 * Whoever sends a message that is too long gets 1009, the other side all that came before and then 1011.
 */
export class WebSocketBridge {
  readonly #socket: MessageSocket;
  readonly #stream: Stream;
  readonly #outgoing: MessageSender;
  readonly #vanish: () => void;
  readonly #maxMessage: number;
  readonly #onTooLong: () => void;
  readonly #beforeSend: () => void;
  /** Whether nothing more of what the socket brings is taken. */
  #deaf = false;
  /** Before a close whose code has been chosen already. */
  readonly #quiet = new QuietWait();
  #closed = false;
  #done: () => void = () => {};

  /** Resolves when the socket is closed and the stream is over. */
  readonly finished: Promise<void>;

  constructor(
    socket: MessageSocket,
    stream: Stream,
    options: {
      /** What all sockets share for messages that wait. */
      readonly backlog: Budget;
      /** Bytes that may wait without being counted there. @default 1 MiB */
      readonly freeBacklog?: number;
      /** Bytes of a message, either way. @default 64 MiB */
      readonly maxMessage?: number;
      /** Called when one was longer. */
      readonly onTooLong?: () => void;
      /** Ends the socket without a close frame, where that can be done. */
      readonly vanish?: () => void;
      /** Called before each message that goes to the socket. */
      readonly beforeSend?: () => void;
    },
  ) {
    this.#socket = socket;
    this.#stream = stream;
    const backlog = new Backlog(options.backlog, options.freeBacklog ?? HIGH_WATER);
    this.#outgoing = new MessageSender(stream, backlog, {
      onRoom: () => {
        if (!this.#closed) socket.resume?.();
      },
      onEnd: () => {
        if (this.#closed) this.#done();
      },
    });
    this.#vanish = options.vanish ??
      (() => this.#closeSocket(BAD_GATEWAY, "the other side is gone"));
    this.#maxMessage = options.maxMessage ?? MAX_WEBSOCKET_MESSAGE;
    this.#onTooLong = options.onTooLong ?? (() => {});
    this.#beforeSend = options.beforeSend ?? (() => {});
    this.finished = new Promise((resolve) => this.#done = resolve);
    stream.onAbort = () => this.#vanish();
    socket.addEventListener("message", (event) => this.#onMessage(event.data));
    socket.addEventListener("close", (event) => this.#onClose(event.code, event.reason));
    // A close event follows each error event and tells the rest.
    socket.addEventListener("error", () => {});
  }

  /** Begins to write what the stream brings; to be called once the socket is open. */
  async start(): Promise<void> {
    try {
      await this.#pumpToSocket();
    } catch (error) {
      this.#fail(error);
    }
  }

  // From the socket to the stream.

  #onMessage(data: unknown): void {
    if (this.#deaf) {
      this.#quiet.heard();
      return;
    }
    const text = typeof data === "string";
    const bytes = text ? encoder.encode(data) : bytesOf(data);
    if (bytes.length > this.#maxMessage) {
      const reason = this.#tooLong();
      this.#closeOnSender(TOO_BIG, reason);
      this.#outgoing.close(INTERNAL, reason);
      return;
    }
    if (!this.#outgoing.send(bytes, text)) {
      this.#closeOnSender(TRY_AGAIN, "messages arrive faster than the tunnel can carry them");
      return;
    }
    if (this.#outgoing.crowded) this.#socket.pause?.();
  }

  #onClose(code: number, reason: string): void {
    this.#closed = true;
    this.#quiet.cancel();
    this.#outgoing.close(code, reason);
    if (this.#stream.receiveEnded || this.#stream.sendEnded) this.#done();
  }

  // From the stream to the socket.

  async #pumpToSocket(): Promise<void> {
    const parts = new MessageParts();
    for (;;) {
      const read = this.#stream.read();
      const chunk = read instanceof Promise ? await read : read;
      if (chunk === null) throw new StreamError(ErrorCode.Protocol, "no teardown at the end");
      if (chunk.type === FrameType.WSTeardown) {
        this.#tearDown(chunk.bytes);
        return;
      }
      if (chunk.type !== FrameType.WSMessage) {
        throw new StreamError(ErrorCode.Protocol, "body data in a WebSocket's stream");
      }
      const length = parts.length + chunk.bytes.length;
      if (length > MAX_WEBSOCKET_MESSAGE) {
        throw new StreamError(ErrorCode.TooLarge, "a WebSocket message of more than 64 MiB");
      }
      if (length > this.#maxMessage) {
        const reason = this.#tooLong();
        this.#deaf = true;
        this.#closeSocket(INTERNAL, reason);
        this.#outgoing.close(TOO_BIG, reason);
        await this.#dropRest();
        return;
      }
      const isPart = (chunk.flags & FrameFlag.More) !== 0;
      if (isPart || parts.length > 0) parts.append(chunk.bytes);
      if (isPart) continue;
      this.#send(chunk, parts.length > 0 ? parts.take() : chunk.bytes);
      if (this.#socket.bufferedAmount > HIGH_WATER) await this.#drained();
    }
  }

  /** Reads to the end: the origin's close frame comes only behind the rest of its message. */
  async #dropRest(): Promise<void> {
    for (;;) {
      const read = this.#stream.read();
      const chunk = read instanceof Promise ? await read : read;
      if (chunk === null || chunk.type === FrameType.WSTeardown) break;
    }
    if (this.#closed) this.#done();
  }

  #send({ flags }: Chunk, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#closed) return;
    const text = (flags & FrameFlag.Text) !== 0;
    this.#beforeSend();
    this.#socket.send(text ? decodeText(bytes) : bytes);
  }

  #tearDown(payload: Uint8Array): void {
    const { code, reason } = decodeReset(payload);
    if (code === NO_STATUS) this.#closeSocket();
    else this.#closeSocket(code, reason);
    if (this.#closed) this.#done();
  }

  async #drained(): Promise<void> {
    while (!this.#closed && this.#socket.bufferedAmount > HIGH_WATER) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL));
    }
  }

  #fail(error: unknown): void {
    if (error instanceof StreamError) this.#stream.reset(error.code, error.message);
    else this.#stream.reset(ErrorCode.Protocol, "a text message that is not UTF-8");
    const tooLarge = error instanceof StreamError && error.code === ErrorCode.TooLarge;
    this.#closeSocket(tooLarge ? TOO_BIG : INTERNAL, "the tunnel could not go on");
    if (this.#closed) this.#done();
  }

  /** Counts a message that is too long, and says so. */
  #tooLong(): string {
    this.#onTooLong();
    return `a message of more than ${this.#maxMessage} bytes`;
  }

  /**
   * Closes the socket because of what it brings, once it is quiet: Deno breaks the connection when a message
   * follows on `close`, and the close frame is lost if the peer has not read it by then.
   */
  #closeOnSender(code: number, reason: string): void {
    this.#deaf = true;
    this.#quiet.begin(() => this.#closeSocket(code, reason));
  }

  #closeSocket(code?: number, reason = ""): void {
    if (this.#closed || this.#quiet.waiting) return;
    if (code === undefined) this.#socket.close();
    else if (isSendable(code)) this.#socket.close(code, cut(reason));
    else this.#socket.close(INTERNAL);
  }
}

/** Whether a close frame may carry the code (RFC 6455 section 7.4 and the registry that it sets up); the peer may have made it up. */
function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
    (code >= 3000 && code <= 4999);
}

/** Cuts a reason to what a close frame holds, never inside a character. */
function cut(reason: string): string {
  const buffer = new Uint8Array(MAX_CLOSE_REASON);
  const { read } = new TextEncoder().encodeInto(reason, buffer);
  return reason.slice(0, read);
}
