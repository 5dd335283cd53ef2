import { MAX_TRANSPORT_MESSAGE } from "../wire/limits.ts";
import { CloseCode, maySendCode } from "./close_code.ts";
import { MAX_CONTROL, Opcode } from "./encoder.ts";

/** The peer broke RFC 6455; `code` is the close code to tell it. */
export class WebSocketError extends Error {
  override readonly name = "WebSocketError";
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** What a decoder finds. */
export interface FrameSink {
  /** A whole message, whose bytes do not change later; `isText` tells it from a binary one. */
  onMessage(message: Uint8Array<ArrayBuffer>, isText: boolean): void;
  /** A ping; its payload must be copied to be kept. */
  onPing(payload: Uint8Array): void;
  /** The close frame; 1005 stands for no code (RFC 6455 section 7.1.5). */
  onClose(code: number, reason: string): void;
}

/** Bytes read at a time; a longer message is not copied out of the read buffer as a whole. */
const READ_BUFFER = 64 * 1024;

/** Bytes of a message still to come above which they are read straight into the message, without a copy. */
const DIRECT_READ = 16 * 1024;

/** Bytes of the first buffer for a message that comes in fragments. */
const FIRST_FRAGMENTS = 4 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * Finds the messages in what a server sends, however it is cut: read into `room()`, then call `received`.
 * It holds at most one read buffer and one message of `MAX_TRANSPORT_MESSAGE`.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #buffer = new Uint8Array(READ_BUFFER);
  #start = 0;
  #end = 0;
  /** The message that is being put together, unless it lies whole in the read buffer. */
  #message = NOTHING;
  #filled = 0;
  /** Bytes to come of the present frame's payload. */
  #left = 0;
  #isFinal = false;
  /** The opcode of the message that has begun; Continuation between messages. */
  #opcode: number = Opcode.Continuation;
  #isDirect = false;

  /** Begins with `early`, which were read with the handshake, a read buffer full at most: `received(0)` takes them. */
  constructor(sink: FrameSink, early: Uint8Array) {
    this.#sink = sink;
    this.#buffer.set(early);
    this.#end = early.length;
  }

  /** Returns where to read to; never empty. */
  room(): Uint8Array<ArrayBuffer> {
    if (this.#start > 0) {
      // What is left is at most an incomplete header or control frame.
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#isDirect = this.#left >= DIRECT_READ;
    return this.#isDirect
      ? this.#message.subarray(this.#filled, this.#filled + this.#left)
      : this.#buffer.subarray(this.#end);
  }

  /**
   * Takes the next `count` bytes, which are in the room.
   *
   * @throws {WebSocketError} when they break RFC 6455; nothing can be decoded after that.
   */
  received(count: number): void {
    if (this.#isDirect) {
      this.#advance(count);
      return;
    }
    this.#end += count;
    while (this.#start < this.#end && (this.#left > 0 ? this.#takePayload() : this.#takeFrame()));
  }

  #takePayload(): boolean {
    const count = Math.min(this.#left, this.#end - this.#start);
    this.#message.set(this.#buffer.subarray(this.#start, this.#start + count), this.#filled);
    this.#start += count;
    this.#advance(count);
    return true;
  }

  #advance(count: number): void {
    this.#filled += count;
    this.#left -= count;
    if (this.#left === 0 && this.#isFinal) this.#finish();
  }

  #finish(): void {
    const message = this.#message.subarray(0, this.#filled);
    const isText = this.#opcode === Opcode.Text;
    this.#message = NOTHING;
    this.#filled = 0;
    this.#opcode = Opcode.Continuation;
    this.#sink.onMessage(message, isText);
  }

  /** Takes the next header, with its payload when that is here whole; false when more must come first. */
  #takeFrame(): boolean {
    const start = this.#start;
    const available = this.#end - start;
    if (available < 2) return false;
    const first = this.#byte(start);
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    const short = this.#byte(start + 1);
    if ((first & 0x70) !== 0) throw violation("reserved bits are set");
    if (short >= 0x80) throw violation("a server's frame is masked");
    if (opcode >= Opcode.Close) return this.#takeControl(opcode, isFinal, short);
    this.#checkData(opcode);
    const headerLength = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (available < headerLength) return false;
    const length = this.#lengthAt(start, short);
    if (this.#filled + length > MAX_TRANSPORT_MESSAGE) {
      throw new WebSocketError(
        CloseCode.TooBig,
        `a message of more than ${MAX_TRANSPORT_MESSAGE} bytes`,
      );
    }
    this.#start += headerLength;
    if (opcode !== Opcode.Continuation) this.#opcode = opcode;
    this.#isFinal = isFinal;
    const end = this.#start + length;
    if (isFinal && opcode !== Opcode.Continuation && end <= this.#end) {
      // The slice is the message's own memory: the buffer is used again.
      this.#message = this.#buffer.slice(this.#start, end);
      this.#start = end;
      this.#filled = length;
      this.#finish();
      return true;
    }
    this.#reserve(length);
    this.#left = length;
    this.#advance(0);
    return true;
  }

  #checkData(opcode: number): void {
    if (opcode > Opcode.Binary) throw violation(`unknown opcode ${opcode}`);
    const isBegun = this.#opcode !== Opcode.Continuation;
    if (isBegun === (opcode === Opcode.Continuation)) return;
    throw violation(isBegun ? "a message inside another" : "a continuation without a message");
  }

  #takeControl(opcode: number, isFinal: boolean, length: number): boolean {
    if (opcode > Opcode.Pong) throw violation(`unknown opcode ${opcode}`);
    if (!isFinal) throw violation("a fragmented control frame");
    if (length > MAX_CONTROL) throw violation("a control frame of more than 125 bytes");
    const from = this.#start + 2;
    if (from + length > this.#end) return false;
    this.#start = from + length;
    const payload = this.#buffer.subarray(from, this.#start);
    if (opcode === Opcode.Ping) this.#sink.onPing(payload);
    else if (opcode === Opcode.Close) this.#takeClose(payload);
    return true;
  }

  #takeClose(payload: Uint8Array): void {
    if (payload.length === 0) return this.#sink.onClose(CloseCode.NoStatus, "");
    if (payload.length === 1) throw violation("a close frame of one byte");
    const code = (payload[0] ?? 0) * 256 + (payload[1] ?? 0);
    if (!maySendCode(code)) throw violation(`close code ${code}`);
    this.#sink.onClose(code, decodeReason(payload.subarray(2)));
  }

  /** Returns the frame's length; one that takes more than 32 bits is Infinity. */
  #lengthAt(start: number, short: number): number {
    if (short < 126) return short;
    let length = 0;
    const end = start + (short === 126 ? 4 : 10);
    for (let i = start + 2; i < end; i++) length = length * 256 + this.#byte(i);
    return length;
  }

  /** Makes room for a frame's payload, once for a message of one frame. */
  #reserve(length: number): void {
    const needed = this.#filled + length;
    if (needed <= this.#message.length) return;
    const isOnly = this.#isFinal && this.#filled === 0;
    const capacity = Math.max(needed, 2 * this.#message.length, FIRST_FRAGMENTS);
    const larger = new Uint8Array(isOnly ? needed : Math.min(capacity, MAX_TRANSPORT_MESSAGE));
    larger.set(this.#message.subarray(0, this.#filled));
    this.#message = larger;
  }

  #byte(at: number): number {
    return this.#buffer[at] ?? 0;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeReason(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw violation("a close reason that is not UTF-8");
  }
}

function violation(what: string): WebSocketError {
  return new WebSocketError(
    CloseCode.Protocol,
    `the server broke the WebSocket protocol: ${what}`,
  );
}
