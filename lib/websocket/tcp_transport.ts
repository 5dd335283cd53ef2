import { SOCKET_HIGH_WATER } from "../wire/limits.ts";
import { endOfTurn, TEXT_MESSAGE, type Transport, type TransportEvents } from "../mux/transport.ts";
import type { ByteStream } from "../net/byte_stream.ts";
import { FrameQueue } from "./frame_queue.ts";
import { CloseCode, closePayload, closeText, isFault } from "./close_code.ts";
import { FrameDecoder, type FrameSink, WebSocketError } from "./decoder.ts";
import { Opcode } from "./encoder.ts";

/** Milliseconds in which bytes must still move on a connection that closes; else its peer is taken for gone. */
const CLOSE_TIMEOUT = 1000;

/** Bytes read at a time when they are dropped. */
const IGNORED_READ = 16 * 1024;

/** The client's end of a WebSocket (RFC 6455) over a connection whose handshake is done. */
export class TCPTransport implements Transport, FrameSink {
  readonly #connection: ByteStream;
  readonly #decoder: FrameDecoder;
  readonly #queue = new FrameQueue();
  #events: TransportEvents | null = null;
  /** Whether `onClose` is still to come. */
  #open = true;
  /** Whether the connection is closed. */
  #gone = false;
  #writing = false;
  #writeFailed = false;
  #closeSent = false;
  #isBroken = false;
  #closeReceived = false;
  #wantsDrain = false;
  /** The last ping that was not answered. To answer it alone is allowed (RFC 6455 section 5.5.3) and bounds the answers. */
  #ping: Uint8Array | null = null;
  /** Where bytes are read to and dropped, once the server has broken the protocol. */
  #ignored: Uint8Array<ArrayBuffer> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #left = Promise.withResolvers<void>();
  // Made once: closures for each read and write would be garbage on the busiest path.
  readonly #onRead = (count: number | null) => this.#received(count);
  readonly #onWritten = (count: number) => this.#sent(count);
  readonly #onReadFailed = () => this.#cut();
  readonly #onWriteFailed = () => this.#failed();

  /** Takes the connection over; `early` are bytes that came right behind the handshake. */
  constructor(connection: ByteStream, early: Uint8Array) {
    this.#connection = connection;
    this.#decoder = new FrameDecoder(this, early);
  }

  start(events: TransportEvents): void {
    this.#events = events;
    // What calls this in its constructor takes messages only after that has returned.
    queueMicrotask(() => this.#received(0));
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
    return this.#open ? this.#queue.length : 0;
  }

  get writable(): boolean {
    return this.buffered < SOCKET_HIGH_WATER;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (!this.#open) return;
    this.#queue.append(Opcode.Binary, message);
    this.#write();
    this.#events?.onSent(message.length);
  }

  soon(task: () => void): void {
    endOfTurn(task);
  }

  notifyDrain(): void {
    this.#wantsDrain = true;
    if (!this.#writing) endOfTurn(() => this.#drained());
  }

  /** Closes as every transport does; the connection lives until the server's close frame, or until no byte moves for a second. */
  close(reason: string): void {
    if (this.#open) this.#end(CloseCode.Normal, reason);
  }

  onMessage(message: Uint8Array<ArrayBuffer>, isText: boolean): void {
    if (this.#open) this.#events?.onMessage(isText ? TEXT_MESSAGE : message);
  }

  onPing(payload: Uint8Array): void {
    this.#ping = payload.slice();
  }

  onClose(code: number, reason: string): void {
    this.#closeReceived = true;
    if (this.#open) this.#end(code, closeText(code, reason));
  }

  #read(): void {
    if (this.#gone) return;
    const room = this.#ignored ?? this.#decoder.room();
    this.#connection.read(room).then(this.#onRead, this.#onReadFailed);
  }

  #received(count: number | null): void {
    if (this.#gone) return;
    if (count === null) return this.#cut();
    try {
      if (this.#ignored === null) this.#decoder.received(count);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#ignored = new Uint8Array(IGNORED_READ);
      if (this.#open) this.#end(error.code, error.message);
    }
    this.#write();
    this.#read();
  }

  /** Writes what waits, one write at a time; nothing may follow a close frame. */
  #write(): void {
    if (this.#writing || this.#gone) return;
    if (this.#ping !== null && !this.#closeSent) this.#queue.append(Opcode.Pong, this.#ping);
    this.#ping = null;
    const bytes = this.#writeFailed ? null : this.#queue.next();
    if (bytes === null) {
      if (this.#closeReceived) this.#shut();
      return;
    }
    this.#writing = true;
    this.#connection.write(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  #sent(count: number): void {
    this.#writing = false;
    if (this.#gone) return;
    this.#queue.written(count);
    if (this.#closeSent) this.#limitClosing();
    this.#write();
    this.#drained();
  }

  #drained(): void {
    if (!this.#wantsDrain || !this.#open || !this.writable) return;
    this.#wantsDrain = false;
    this.#events?.onDrain();
  }

  /** Goes on reading for a while: the server may have said why it left. */
  #failed(): void {
    this.#writing = false;
    this.#writeFailed = true;
    if (!this.#gone) this.#limitClosing();
  }

  /** Queues the close frame and tells that the connection is over. */
  #end(code: number, reason: string): void {
    this.#open = false;
    this.#isBroken = isFault(code);
    this.#closeSent = true;
    this.#queue.append(Opcode.Close, closePayload(code, ""));
    this.#limitClosing();
    this.#write();
    this.#events?.onClose(reason);
  }

  #limitClosing(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#cut(), CLOSE_TIMEOUT);
  }

  /** Ends the connection, which is broken or given up. */
  #cut(): void {
    if (this.#gone) return;
    this.#shut();
    if (!this.#open) return;
    this.#open = false;
    this.#events?.onClose(closeText(CloseCode.Abnormal, ""));
  }

  #shut(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#connection.close();
    this.#left.resolve();
  }
}
