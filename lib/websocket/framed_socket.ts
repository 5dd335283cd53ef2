import { isUtf8 } from "node:buffer";
import { MAX_WEBSOCKET_MESSAGE } from "../wire/limits.ts";
import type { ByteStream } from "../net/byte_stream.ts";
import type { MessageSocket } from "./bridge.ts";
import { type Close, CloseCode, closePayload } from "./close_code.ts";
import { FrameDecoder, type FrameSink, WebSocketError } from "./decoder.ts";
import { Opcode, type Role } from "./encoder.ts";
import { FrameQueue } from "./frame_queue.ts";
import { PeerWatch, type PeerWatchOptions } from "./peer_watch.ts";
import type { SocketMessage } from "./websocket_transport.ts";

/** Milliseconds in which bytes must still move on a connection that closes; else its peer is taken for gone. */
const CLOSE_TIMEOUT = 1_000;

/** Bytes read at a time when they are dropped. */
const DROPPED_READ = 16 * 1024;

/**
 * Bytes that may wait to be sent when a ping is answered at once: 32 pings of the longest kind. Of those that come while more
 * waits, the last alone is answered, which is allowed (RFC 6455 section 5.5.3) and bounds the answers.
 */
const MAX_WAITING_PONGS = 4 * 1024;

export interface FramedSocketOptions extends PeerWatchOptions {
  readonly role: Role;
  /** Bytes of a message. @default MAX_WEBSOCKET_MESSAGE */
  readonly maxMessage?: number;
}

type MessageListener = (event: SocketMessage) => void;
type CloseListener = (event: Close) => void;

/**
 * Either end of a WebSocket (RFC 6455) over a connection whose handshake is done, without extensions.
 *
 * A message that is too long is known by the header of its first frame, and costs no memory. What is sent within one task
 * leaves in one write. One close event tells of the end of the connection: with the code of the peer's close frame, or with
 * 1006 when there was none.
 */
export class FramedSocket implements MessageSocket, FrameSink {
  readonly #role: Role;
  readonly #queue: FrameQueue;
  readonly #watch: PeerWatch;
  #maxMessage: number;
  /** Called for a message that is too long, in place of closing. */
  #onTooLong: (() => void) | null = null;
  #connection: ByteStream | null = null;
  #decoder: FrameDecoder | null = null;
  readonly #messageListeners: MessageListener[] = [];
  readonly #closeListeners: CloseListener[] = [];
  #isReading = false;
  #isPaused = false;
  #isWriting = false;
  #isScheduled = false;
  #isGone = false;
  #isCloseSent = false;
  /** Whether nothing is sent behind what waits, not even a close frame. */
  #isEnding = false;
  #isWriteOver = false;
  /** Whether a write has failed; what the peer said before it left may be yet to be read. */
  #hasWriteFailed = false;
  #fault: string | null = null;
  #closeReceived: Close | null = null;
  /** The last ping that came while too much waited to be sent. */
  #ping: Uint8Array | null = null;
  /** Where bytes are read to and dropped, once the peer has broken the protocol. */
  #dropped: Uint8Array<ArrayBuffer> | null = null;
  #closing: ReturnType<typeof setTimeout> | undefined;
  // Made once: closures for each read and write would be garbage on the busiest path.
  readonly #onRead = (count: number | null): void => this.#received(count);
  readonly #onWritten = (count: number): void => this.#sent(count);
  readonly #onReadFailed = (): void => this.#end(CloseCode.Abnormal, "");
  readonly #onWriteFailed = (): void => this.#failed();
  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.#write();
  };

  onSent: (() => void) | null = null;

  /** Makes the end of a WebSocket that is yet to open. */
  constructor(options: FramedSocketOptions) {
    this.#role = options.role;
    this.#maxMessage = options.maxMessage ?? MAX_WEBSOCKET_MESSAGE;
    this.#watch = new PeerWatch(options);
    this.#queue = new FrameQueue(options);
  }

  /** Takes the connection over; `early` are bytes that came right behind the handshake. Messages come after the caller's task. */
  open(connection: ByteStream, early: Uint8Array): void {
    if (this.#isGone) return connection.close();
    this.#connection = connection;
    this.#decoder = new FrameDecoder(this, early, {
      role: this.#role,
      maxMessage: this.#maxMessage,
    });
    queueMicrotask(() => this.#received(0));
  }

  /** Whether its connection has ended, or never came. */
  get isOver(): boolean {
    return this.#isGone;
  }

  get bufferedAmount(): number {
    return this.#queue.length;
  }

  /** The rule that the peer broke; null while it has broken none. */
  get fault(): string | null {
    return this.#fault;
  }

  addEventListener(type: "message", listener: MessageListener): void;
  addEventListener(type: "close", listener: CloseListener): void;
  addEventListener(type: "error", listener: (event: unknown) => void): void;
  addEventListener(
    ...[type, listener]: ["message", MessageListener] | ["close", CloseListener] | [
      "error",
      (event: unknown) => void,
    ]
  ): void {
    // The end of the connection tells of every error.
    if (type === "message") this.#messageListeners.push(listener);
    else if (type === "close") this.#closeListeners.push(listener);
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data === "string") this.#append(Opcode.Text, encoder.encode(data));
    else this.#append(Opcode.Binary, data);
  }

  sendText(utf8: Uint8Array): void {
    if (!isUtf8(utf8)) throw new TypeError(NOT_UTF8);
    this.#append(Opcode.Text, utf8);
  }

  /** Sends a close frame behind all that waits; the peer's own is waited for as long as the caller likes. */
  close(code: number = CloseCode.NoStatus, reason = ""): void {
    if (this.#isGone || this.#isCloseSent) return;
    this.#isCloseSent = true;
    this.#queue.append(Opcode.Close, closePayload(code, reason));
    if (this.#dropped !== null) this.#limitClosing();
    this.#schedule();
  }

  /**
   * Ends this side without a close frame, behind all that was sent: to cut the connection would lose what the peer has not
   * read. What still comes is read, and the connection closed once no byte moves for a second.
   */
  end(): void {
    if (this.#isGone || this.#isEnding) return;
    this.#isEnding = true;
    this.resume();
    this.#limitClosing();
    this.#schedule();
  }

  terminate(): void {
    this.#end(CloseCode.Abnormal, "");
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#watch.heard();
    this.#read();
  }

  limit(maxMessage: number, onTooLong: (() => void) | null = null): void {
    this.#maxMessage = maxMessage;
    this.#onTooLong = onTooLong;
    if (this.#decoder !== null) this.#decoder.maxMessage = maxMessage;
  }

  /** Looks whether the peer is alive and takes what is sent; to be called about once a second, with a time in milliseconds. */
  look(now: number): void {
    if (this.#isGone || this.#connection === null) return;
    const isDeaf = this.#isPaused || this.#isCloseSent;
    const state = this.#watch.look(now, { isWriting: this.#isWriting, isDeaf });
    if (state === "gone") return this.terminate();
    if (state === "alive") return;
    this.#queue.append(Opcode.Ping, NOTHING);
    this.#schedule();
  }

  onMessage(message: Uint8Array<ArrayBuffer>, isText: boolean): void {
    if (this.#closeReceived !== null) return;
    // RFC 6455 section 8.1. No string is made of it: a bridge wants octets.
    if (isText && !isUtf8(message)) throw new WebSocketError(CloseCode.InvalidPayload, NOT_UTF8);
    const event = { data: message, isText };
    for (const listener of this.#messageListeners) listener(event);
  }

  onPing(payload: Uint8Array): void {
    if (this.#isCloseSent || this.#isEnding) return;
    if (this.#queue.length < MAX_WAITING_PONGS) this.#queue.append(Opcode.Pong, payload);
    else this.#ping = payload.slice();
  }

  onClose(code: number, reason: string): void {
    if (this.#closeReceived !== null) return;
    this.#closeReceived = { code, reason };
    this.close(code, reason);
    this.#limitClosing();
  }

  #read(): void {
    const isOver = this.#isGone || this.#closeReceived !== null;
    if (isOver || this.#isReading || (this.#isPaused && this.#dropped === null)) return;
    const room = this.#dropped ?? this.#decoder?.room();
    if (room === undefined || this.#connection === null) return;
    this.#isReading = true;
    this.#connection.read(room).then(this.#onRead, this.#onReadFailed);
  }

  #received(count: number | null): void {
    this.#isReading = false;
    this.#watch.heard();
    if (this.#isGone) return;
    if (count === null) return this.#end(CloseCode.Abnormal, "");
    try {
      if (this.#dropped === null) this.#decoder?.received(count);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#refuse(error);
    }
    this.#schedule();
    this.#read();
  }

  /** Drops what still comes of a peer that broke a rule, and tells it which. */
  #refuse({ code, message }: WebSocketError): void {
    this.#fault = message;
    this.#dropped = new Uint8Array(DROPPED_READ);
    if (code === CloseCode.TooBig && this.#onTooLong !== null) this.#onTooLong();
    else this.close(code);
    if (this.#isCloseSent) this.#limitClosing();
  }

  #append(opcode: number, payload: Uint8Array): void {
    if (this.#isGone || this.#isCloseSent || this.#isEnding) return;
    this.#queue.append(opcode, payload);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    queueMicrotask(this.#flush);
  }

  /** Writes what waits, one write at a time; nothing may follow a close frame. */
  #write(): void {
    if (this.#isWriting || this.#isGone || this.#connection === null) return;
    if (this.#queue.length < MAX_WAITING_PONGS) this.#answerLastPing();
    const bytes = this.#hasWriteFailed ? null : this.#queue.next();
    if (bytes === null) {
      const close = this.#closeReceived;
      if (close !== null) this.#end(close.code, close.reason);
      else if (this.#isEnding || this.#isRefused) this.#endWriting();
      return;
    }
    this.#isWriting = true;
    this.#connection.write(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  #answerLastPing(): void {
    if (this.#ping !== null && !this.#isCloseSent) this.#queue.append(Opcode.Pong, this.#ping);
    this.#ping = null;
  }

  /** Whether the peer broke a rule and was told so: it may wait for this side to end the connection (RFC 6455 section 7.1.1). */
  get #isRefused(): boolean {
    return this.#dropped !== null && this.#isCloseSent;
  }

  #endWriting(): void {
    if (this.#isWriteOver) return;
    this.#isWriteOver = true;
    // Where that fails the connection is gone, and the read tells so.
    this.#connection?.closeWrite().catch(() => {});
  }

  #sent(count: number): void {
    this.#isWriting = false;
    this.#watch.taken();
    if (this.#isGone) return;
    this.#queue.written(count);
    if (this.#closing !== undefined) this.#limitClosing();
    this.#write();
    this.onSent?.();
  }

  /** Goes on reading for a while: the peer may have said why it left. */
  #failed(): void {
    this.#isWriting = false;
    this.#hasWriteFailed = true;
    if (this.#isGone) return;
    this.#limitClosing();
    this.#write();
  }

  #limitClosing(): void {
    clearTimeout(this.#closing);
    this.#closing = setTimeout(() => {
      const { code, reason } = this.#closeReceived ?? VANISHED;
      this.#end(code, reason);
    }, CLOSE_TIMEOUT);
  }

  #end(code: number, reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#closing);
    this.#connection?.close();
    this.#decoder?.release();
    for (const listener of this.#closeListeners) listener({ code, reason });
  }
}

const NOTHING = new Uint8Array(0);

const VANISHED: Close = { code: CloseCode.Abnormal, reason: "" };

const NOT_UTF8 = "a text message that is not UTF-8";

const encoder = new TextEncoder();
