import { ResponseHeadParser } from "../http1/parser.ts";

/** Hears what comes on a connection: the exchange that it serves, or the pool while it is idle. */
export interface ConnectionReader {
  /** Bytes were added to `connection.buffer`; no more come until `receive` is called again. */
  received(connection: OriginConnection): void;
  /** Nothing comes any more: the origin has closed (`cause` is null), or the connection broke. */
  ended(connection: OriginConnection, cause: unknown): void;
}

/** The buffer that a connection keeps for its life, in bytes: measured best for small answers. */
export const READ_BUFFER = 16 * 1024;

/** The buffer for long bodies and long heads, in bytes: four times fewer reads. */
export const LARGE_READ_BUFFER = 64 * 1024;

/** Large buffers kept for the next long body: allocating one takes longer than filling it. */
const MAX_SPARE_BUFFERS = 16;
const spareBuffers: Uint8Array<ArrayBuffer>[] = [];

/** Connections that read long bodies into large buffers at once, 16 MiB of them: a thousand that wait for slow visitors would hold 64. */
const MAX_ENLARGED = 256;
let enlarged = 0;

/**
 * Carries bytes to and from the origin over one TCP connection.
 *
 * What was received lies in `buffer` from `start` to `end`; whoever reads moves `start`. A read is made
 * only on demand, so a view of the buffer stays true until more is asked for.
 */
export class OriginConnection {
  buffer: Uint8Array<ArrayBuffer>;
  start = 0;
  end = 0;
  reader: ConnectionReader;
  /** Reads the heads that come here. */
  readonly heads = new ResponseHeadParser();
  /** When it became idle the last time, in ms of `performance.now()`, or -1 when it never was. */
  idleSince = -1;

  readonly #socket: Deno.TcpConn;
  readonly #ownBuffer = new Uint8Array(READ_BUFFER);
  #reading = false;
  #closed = false;
  // Made once: a closure for each read would be garbage on the busiest path.
  readonly #onRead = (read: number | null) => this.#received(read);
  readonly #onFailure = (cause: unknown) => this.#ended(cause);

  constructor(socket: Deno.TcpConn, reader: ConnectionReader) {
    this.#socket = socket;
    this.reader = reader;
    this.buffer = this.#ownBuffer;
    socket.setNoDelay(true);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Tells whether the last read was as large as the buffer, so that more is likely waiting. */
  get full(): boolean {
    return this.end === this.buffer.length;
  }

  /** Asks for more bytes, unless it was asked for already; makes room for them when there is none. */
  receive(): void {
    if (this.#reading || this.#closed) return;
    if (this.start === this.end) this.start = this.end = 0;
    else if (this.full) this.#makeRoom();
    this.#reading = true;
    const room = this.end === 0 ? this.buffer : this.buffer.subarray(this.end);
    this.#socket.read(room).then(this.#onRead, this.#onFailure);
  }

  /** Takes a larger buffer for a long body; only when nothing is in the present one. */
  enlarge(): void {
    if (this.#reading || this.start !== this.end || this.buffer !== this.#ownBuffer) return;
    if (enlarged >= MAX_ENLARGED) return;
    enlarged++;
    this.buffer = spareBuffers.pop() ?? new Uint8Array(LARGE_READ_BUFFER);
    this.start = this.end = 0;
  }

  /** Waits for the next exchange, with a read that sees at once when the origin closes. */
  rest(reader: ConnectionReader): void {
    this.reader = reader;
    this.idleSince = performance.now();
    this.start = this.end = 0;
    this.#dropLargeBuffer();
    this.receive();
  }

  /** Sends all bytes; they must stay unchanged until the promise is settled. */
  async write(bytes: Uint8Array): Promise<void> {
    let written = await this.#socket.write(bytes);
    while (written < bytes.length) written += await this.#socket.write(bytes.subarray(written));
  }

  /** Closes at once; the reader hears nothing any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A large buffer is not spared here: a read under way, or whoever was given a view, may still use it.
    if (this.buffer !== this.#ownBuffer) enlarged--;
    this.#socket.close();
  }

  #received(read: number | null): void {
    this.#reading = false;
    if (this.#closed) return;
    if (read === null) return this.reader.ended(this, null);
    this.end += read;
    this.reader.received(this);
  }

  #ended(cause: unknown): void {
    this.#reading = false;
    if (!this.#closed) this.reader.ended(this, cause);
  }

  #makeRoom(): void {
    if (this.start > 0) {
      this.buffer.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
      return;
    }
    const larger = spareBuffers.pop() ?? new Uint8Array(LARGE_READ_BUFFER);
    larger.set(this.buffer);
    if (this.buffer === this.#ownBuffer) enlarged++;
    this.buffer = larger;
  }

  #dropLargeBuffer(): void {
    if (this.buffer === this.#ownBuffer) return;
    enlarged--;
    if (spareBuffers.length < MAX_SPARE_BUFFERS) spareBuffers.push(this.buffer);
    this.buffer = this.#ownBuffer;
  }
}
