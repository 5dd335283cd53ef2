import { MAX_REQUEST_HEAD } from "../../../http/request_parser.ts";
import type { ByteStream } from "../../../net/byte_stream.ts";
import { BufferPool } from "./buffer_pool.ts";

/** Bytes that a connection may hold of what is not read: most heads fit, and thousands of connections are idle. */
const SMALL_INPUT = 4 * 1024;

/** Bytes that it holds of a long head or a body. */
const LARGE_INPUT = MAX_REQUEST_HEAD;

/** Large buffers kept for the next body: 2 MiB of them. */
const largeBuffers = new BufferPool(LARGE_INPUT, 32);

/** Small ones kept for the next connection: 1 MiB. */
const smallBuffers = new BufferPool(SMALL_INPUT, 256);

/** What a visitor has sent and nobody has taken yet. It reads only when it is told to, once at a time, and as far as there is room. */
export class ConnectionInput {
  readonly #connection: ByteStream;
  #onInput: () => void;
  #buffer = smallBuffers.take();
  #start = 0;
  #end = 0;
  #isReading = false;
  #hasEnded = false;
  #isBroken = false;
  #isReleased = false;
  // Made once: closures for each read would be garbage on the busiest path.
  readonly #onRead = (count: number | null): void => {
    this.#isReading = false;
    if (count === null) this.#hasEnded = true;
    else this.#end += count;
    this.#tell();
  };
  readonly #onFailed = (): void => {
    this.#isReading = false;
    this.#hasEnded = true;
    this.#isBroken = true;
    this.#tell();
  };

  /**
   * `onInput` is called when a read has brought something, or the end. What was read already, less than it may hold at most,
   * comes first.
   */
  constructor(connection: ByteStream, onInput: () => void, early: Uint8Array) {
    this.#connection = connection;
    this.#onInput = onInput;
    this.#buffer.set(early);
    this.#end = early.length;
  }

  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#buffer;
  }

  /** Where the bytes that are here begin, and end. */
  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** Whether nothing comes behind the bytes that are here. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the connection is broken, so that nothing can be sent either. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Takes bytes up to an offset; they stay as they are until the next read. */
  takeTo(offset: number): void {
    this.#start = offset;
  }

  /**
   * Reads, unless that goes on already, or there is no room. What was taken may be overwritten.
   *
   * @param isLong says that many bytes are to come.
   */
  read(isLong = false): void {
    if (this.#isReading || this.#hasEnded || !this.#makeRoom(isLong)) return;
    this.#isReading = true;
    this.#connection.read(this.#buffer.subarray(this.#end)).then(this.#onRead, this.#onFailed);
  }

  /** Gives the memory back, but for a little: the connection is idle. */
  shrink(): void {
    if (this.#isReading || this.length > 0 || this.#buffer.length === SMALL_INPUT) return;
    this.#exchange(smallBuffers.take());
  }

  /** Leaves its memory to whoever may still look at what was taken, and goes on in another. */
  leaveBuffer(): void {
    const buffer = new Uint8Array(this.#buffer.length);
    buffer.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = buffer;
  }

  /** Gives all memory back; nothing is read any more, and nothing told. */
  release(): void {
    this.#hasEnded = true;
    this.#isReleased = true;
    if (!this.#isReading) this.#giveBack();
  }

  /** Hands over what is here and what comes, as a stream; nothing else is told of it any more. */
  rest(): ByteStream {
    const connection = this.#connection;
    let arrived = () => {};
    this.#onInput = () => arrived();
    let isDirect = false;
    const readFirst = async (into: Uint8Array): Promise<number | null> => {
      if (this.#isReading) await new Promise<void>((resolve) => arrived = resolve);
      const count = Math.min(this.length, into.length);
      if (count > 0) {
        into.set(this.#buffer.subarray(this.#start, this.#start + count));
        this.#start += count;
        return count;
      }
      isDirect = !this.#hasEnded;
      this.release();
      return isDirect ? await connection.read(into) : null;
    };
    return {
      read: (into) => isDirect ? connection.read(into) : readFirst(into),
      write: (bytes) => connection.write(bytes),
      closeWrite: () => connection.closeWrite(),
      close: () => {
        this.release();
        connection.close();
      },
    };
  }

  #tell(): void {
    if (this.#isReleased) this.#giveBack();
    else this.#onInput();
  }

  #giveBack(): void {
    const buffer = this.#buffer;
    this.#buffer = new Uint8Array(0);
    this.#start = this.#end = 0;
    smallBuffers.give(buffer);
    largeBuffers.give(buffer);
  }

  #makeRoom(isLong: boolean): boolean {
    const { length } = this.#buffer;
    if (this.length === 0) this.#start = this.#end = 0;
    else if (this.#end === length && this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const wantsMore = isLong || this.#end === length;
    if (wantsMore && length < LARGE_INPUT) this.#exchange(largeBuffers.take());
    return this.#end < this.#buffer.length;
  }

  #exchange(buffer: Uint8Array<ArrayBuffer>): void {
    const old = this.#buffer;
    buffer.set(old.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = buffer;
    smallBuffers.give(old);
    largeBuffers.give(old);
  }
}
