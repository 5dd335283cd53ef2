import type { ByteStream } from "../../../net/byte_stream.ts";
import { MAX_RESPONSE_HEAD, ResponseHeadParser } from "../../../http/response_parser.ts";

/** Hears what comes on a connection: the exchange that it serves, or the pool while it is idle. */
export interface ConnectionReader {
  /** Bytes were added to `connection.buffer`; no more come until `receive` is called again. */
  received(connection: OriginConnection): void;
  /** No more bytes come: the origin has closed (`cause` is null), or the connection broke. */
  ended(connection: OriginConnection, cause: unknown): void;
}

/** Hears what became of what was sent. */
export interface ConnectionWriter {
  /** The connection has taken all bytes. */
  written(): void;
  writeFailed(cause: unknown): void;
}

/**
 * The buffer that a connection reads to, in bytes, once a read has filled a shorter one: a whole page in one read, and so
 * in one message to the server. It holds the longest head that is read, too.
 */
export const READ_BUFFER = MAX_RESPONSE_HEAD;

/** The first one, and that of an exchange whose visitor takes little at a time: most answers are shorter. */
const FIRST_BUFFER = 16 * 1024;

/** Long buffers kept for connections that go on, 2 MiB of them: slow visitors take something every few milliseconds. */
const MAX_SPARE_READ_BUFFERS = 32;

const spareReadBuffers: Uint8Array<ArrayBuffer>[] = [];

const NO_BUFFER = new Uint8Array(0);

/**
 * Carries bytes to and from the origin over one connection.
 *
 * Received bytes lie in `buffer` from `start` to `end`; the reader moves `start`. A read is made only on demand, so that
 * a view of the buffer stays true until more is asked for.
 */
export class OriginConnection {
  /** Nothing while the visitor takes nothing. */
  #buffer = new Uint8Array(FIRST_BUFFER);
  /** Whether the last read had more to give than there was room. */
  #isFilled = false;
  start = 0;
  end = 0;
  reader: ConnectionReader;
  /** Reads the heads that come here. */
  readonly heads = new ResponseHeadParser();
  /** When it became idle the last time, in ms of `performance.now()`, or -1 when it never was. */
  idleSince = -1;
  /** How long it had been idle before this exchange, in ms, or -1 when it is new. */
  idleTime = -1;

  readonly #socket: ByteStream;
  #reading = false;
  #closed = false;
  /** What the write under way has to send. */
  #unsent: Uint8Array | null = null;
  #writer: ConnectionWriter | null = null;
  // Made once: a closure for each read would be garbage on the busiest path.
  readonly #onRead = (read: number | null) => this.#received(read);
  readonly #onFailure = (cause: unknown) => this.#ended(cause);
  readonly #onWritten = (count: number) => this.#written(count);
  readonly #onWriteFailed = (cause: unknown) => this.#takeWriter()?.writeFailed(cause);

  constructor(socket: ByteStream, reader: ConnectionReader) {
    this.#socket = socket;
    this.reader = reader;
  }

  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#buffer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Asks for more bytes, `most` at a time, unless it was asked for already; makes room for them when there is none. */
  receive(most = Infinity): void {
    if (this.#reading || this.#closed) return;
    if (this.start === this.end) this.start = this.end = 0;
    const { length } = this.#buffer;
    const isFull = this.end === length;
    if (length === 0) this.#swapBuffer(most > FIRST_BUFFER);
    else if (
      length < READ_BUFFER && this.#isFilled && (most > length || (isFull && this.start === 0))
    ) {
      this.#swapBuffer(true);
    } else if (isFull) this.#makeRoom();
    this.#reading = true;
    const isWhole = this.end === 0 && most >= this.#buffer.length;
    const room = isWhole ? this.#buffer : this.#buffer.subarray(this.end, this.end + most);
    this.#socket.read(room).then(this.#onRead, this.#onFailure);
  }

  /** Gives its buffer back until more is asked for, where nothing is in it and no view of it is used any more. */
  shelve(): void {
    if (this.#reading || this.start < this.end || this.#buffer === NO_BUFFER) return;
    const isLong = this.#buffer.length === READ_BUFFER;
    if (isLong && spareReadBuffers.length < MAX_SPARE_READ_BUFFERS) {
      spareReadBuffers.push(this.#buffer);
    } else {
      // V8 would leave it where it is until hundreds of others are garbage as well. Node 20 has no `transfer`.
      this.#buffer.buffer.transfer?.(0);
    }
    this.#buffer = NO_BUFFER;
    this.start = this.end = 0;
  }

  /** Waits for the next exchange, with a read that sees at once when the origin closes. */
  rest(reader: ConnectionReader): void {
    this.reader = reader;
    this.idleSince = performance.now();
    this.start = this.end = 0;
    this.receive();
  }

  /** Sends all bytes; they must stay unchanged until the writer hears what became of them. One write at a time. */
  send(bytes: Uint8Array, writer: ConnectionWriter): void {
    this.#unsent = bytes;
    this.#writer = writer;
    this.#socket.write(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  /** Sends likewise, until the promise is settled. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((written, writeFailed) => this.send(bytes, { written, writeFailed }));
  }

  /** Gives away what it runs over, with what has come and was not read: something else speaks there from now on. */
  letGo(): { readonly stream: ByteStream; readonly early: Uint8Array } {
    this.#closed = true;
    return { stream: this.#socket, early: this.#buffer.subarray(this.start, this.end) };
  }

  /** Closes at once; the reader hears no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  #received(read: number | null): void {
    this.#reading = false;
    if (this.#closed) return;
    if (read === null) return this.reader.ended(this, null);
    this.end += read;
    this.#isFilled = this.end === this.#buffer.length;
    this.reader.received(this);
  }

  #written(count: number): void {
    const bytes = this.#unsent;
    if (bytes === null || count >= bytes.length) return this.#takeWriter()?.written();
    this.#unsent = bytes.subarray(count);
    this.#socket.write(this.#unsent).then(this.#onWritten, this.#onWriteFailed);
  }

  #takeWriter(): ConnectionWriter | null {
    const writer = this.#writer;
    this.#writer = null;
    this.#unsent = null;
    return writer;
  }

  #ended(cause: unknown): void {
    this.#reading = false;
    if (!this.#closed) this.reader.ended(this, cause);
  }

  /** Goes on in another buffer. */
  #swapBuffer(isLong: boolean): void {
    const old = this.#buffer;
    this.#buffer = isLong
      ? spareReadBuffers.pop() ?? new Uint8Array(READ_BUFFER)
      : new Uint8Array(FIRST_BUFFER);
    this.#buffer.set(old.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
  }

  #makeRoom(): void {
    this.#buffer.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }
}
