import { MAX_TRANSPORT_MESSAGE } from "../wire/limits.ts";
import { CloseCode, maySendCode } from "./close_code.ts";
import { MAX_CONTROL, Opcode, type Role } from "./encoder.ts";
import { applyMask, WordBuffer } from "./mask.ts";
import { MessageBuffer } from "./message_buffer.ts";

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

export interface FrameDecoderOptions {
  /** The end that it reads for: what comes to a server is masked. @default "client" */
  readonly role?: Role;
  /** Bytes of a message, however many fragments it has. @default MAX_TRANSPORT_MESSAGE */
  readonly maxMessage?: number;
}

/** Bytes read at a time; a longer message is not copied out of the read buffer as a whole. */
const READ_BUFFER = 64 * 1024;

/** Bytes that a server reads at a time from a peer that sends little: it has thousands of them. */
const SMALL_READ_BUFFER = 4 * 1024;

/** Bytes of a message still to come above which they are read straight into the message, without a copy. */
const DIRECT_READ = 16 * 1024;

/** Bytes of a mask, behind a header. */
const MASK = 4;

/**
 * Finds the messages in what a peer sends, however it is cut: read into `room()`, then call `received`.
 * It holds at most one read buffer and one message.
 */
export class FrameDecoder {
  /** Bytes of a message; a longer one is refused as soon as its header tells. */
  maxMessage: number;
  readonly #sink: FrameSink;
  readonly #role: Role;
  #buffer: WordBuffer;
  #start = 0;
  #end = 0;
  /** The message that is being put together, unless it lies whole in the read buffer. */
  readonly #message = new MessageBuffer();
  /** The mask of the present frame; 0 for none. */
  #mask = 0;
  /** Bytes of the present frame's payload that have come, and that are to come. */
  #taken = 0;
  #left = 0;
  #isFinal = false;
  /** The opcode of the message that has begun; Continuation between messages. */
  #opcode: number = Opcode.Continuation;
  #isDirect = false;

  /** Begins with `early`, which were read with the handshake, a read buffer full at most: `received(0)` takes them. */
  constructor(sink: FrameSink, early: Uint8Array, options: FrameDecoderOptions = {}) {
    const { role = "client", maxMessage = MAX_TRANSPORT_MESSAGE } = options;
    this.#sink = sink;
    this.#role = role;
    this.maxMessage = maxMessage;
    const room = role === "client" ? READ_BUFFER : SMALL_READ_BUFFER;
    this.#buffer = new WordBuffer(early.length < room ? room : READ_BUFFER);
    this.#buffer.bytes.set(early);
    this.#end = early.length;
  }

  /** Returns where to read to; never empty. */
  room(): Uint8Array<ArrayBuffer> {
    this.#isDirect = this.#left >= DIRECT_READ && this.#start === this.#end;
    if (this.#isDirect) return this.#message.room(this.#left);
    const { bytes } = this.#buffer;
    const isFull = this.#end === bytes.length;
    // What is left is at most an incomplete header or control frame.
    const rest = bytes.subarray(this.#start, this.#end);
    if (isFull && bytes.length < READ_BUFFER) {
      // It sends more than was thought.
      this.#buffer = new WordBuffer(READ_BUFFER);
      this.#buffer.bytes.set(rest);
    } else if (this.#start > 0) bytes.copyWithin(0, this.#start, this.#end);
    this.#end = rest.length;
    this.#start = 0;
    return this.#buffer.bytes.subarray(this.#end);
  }

  /**
   * Takes the next `count` bytes, which are in the room.
   *
   * @throws {WebSocketError} when they break RFC 6455; nothing can be decoded after that.
   */
  received(count: number): void {
    if (this.#isDirect) {
      this.#isDirect = false;
      this.#unmask(this.#message.memory, this.#message.filled, count);
      this.#advance(count);
      return;
    }
    this.#end += count;
    while (this.#start < this.#end && (this.#left > 0 ? this.#takePayload() : this.#takeFrame()));
  }

  /** Drops the message that has begun; nothing can be decoded after that. */
  release(): void {
    this.#message.release();
  }

  #takePayload(): boolean {
    const room = this.#message.room(this.#left);
    const count = Math.min(room.length, this.#end - this.#start);
    this.#unmask(this.#buffer, this.#start, count);
    room.set(this.#buffer.bytes.subarray(this.#start, this.#start + count));
    this.#start += count;
    this.#advance(count);
    return true;
  }

  /** Unmasks the next bytes of the present frame where they lie. */
  #unmask(memory: WordBuffer, from: number, count: number): void {
    applyMask(memory, { from, to: from + count }, this.#mask, this.#taken);
    this.#taken += count;
  }

  #advance(count: number): void {
    this.#message.advance(count);
    this.#left -= count;
    if (this.#left === 0 && this.#isFinal) this.#finish(this.#message.take());
  }

  #finish(message: Uint8Array<ArrayBuffer>): void {
    const isText = this.#opcode === Opcode.Text;
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
    const short = this.#byte(start + 1) & 0x7f;
    const isMasked = this.#byte(start + 1) >= 0x80;
    if ((first & 0x70) !== 0) throw this.#violation("reserved bits are set");
    if (isMasked !== (this.#role === "server")) {
      throw this.#violation(isMasked ? "a server's frame is masked" : "a frame is not masked");
    }
    const mask = isMasked ? MASK : 0;
    if (opcode >= Opcode.Close) return this.#takeControl(opcode, isFinal, short, mask);
    this.#checkData(opcode);
    const headerLength = (short === 127 ? 10 : short === 126 ? 4 : 2) + mask;
    if (available < headerLength) return false;
    const length = this.#lengthAt(start, short);
    if (this.#message.filled + length > this.maxMessage) {
      throw new WebSocketError(CloseCode.TooBig, `a message of more than ${this.maxMessage} bytes`);
    }
    this.#start += headerLength;
    this.#beginFrame(mask === 0 ? 0 : this.#maskAt(this.#start - MASK));
    if (opcode !== Opcode.Continuation) this.#opcode = opcode;
    this.#isFinal = isFinal;
    const end = this.#start + length;
    if (isFinal && opcode !== Opcode.Continuation && end <= this.#end) {
      this.#unmask(this.#buffer, this.#start, length);
      // The slice is the message's own memory: the buffer is used again.
      const message = this.#buffer.bytes.slice(this.#start, end);
      this.#start = end;
      this.#finish(message);
      return true;
    }
    this.#left = length;
    this.#message.reserve(length, isFinal && opcode !== Opcode.Continuation);
    this.#advance(0);
    return true;
  }

  #beginFrame(mask: number): void {
    this.#mask = mask;
    this.#taken = 0;
  }

  #checkData(opcode: number): void {
    if (opcode > Opcode.Binary) throw this.#violation(`unknown opcode ${opcode}`);
    const isBegun = this.#opcode !== Opcode.Continuation;
    if (isBegun === (opcode === Opcode.Continuation)) return;
    throw this.#violation(
      isBegun ? "a message inside another" : "a continuation without a message",
    );
  }

  #takeControl(opcode: number, isFinal: boolean, length: number, mask: number): boolean {
    if (opcode > Opcode.Pong) throw this.#violation(`unknown opcode ${opcode}`);
    if (!isFinal) throw this.#violation("a fragmented control frame");
    if (length > MAX_CONTROL) throw this.#violation("a control frame of more than 125 bytes");
    const from = this.#start + 2 + mask;
    if (from + length > this.#end) return false;
    if (mask > 0) {
      this.#beginFrame(this.#maskAt(from - MASK));
      this.#unmask(this.#buffer, from, length);
    }
    this.#start = from + length;
    const payload = this.#buffer.bytes.subarray(from, this.#start);
    if (opcode === Opcode.Ping) this.#sink.onPing(payload);
    else if (opcode === Opcode.Close) this.#takeClose(payload);
    return true;
  }

  #takeClose(payload: Uint8Array): void {
    if (payload.length === 0) return this.#sink.onClose(CloseCode.NoStatus, "");
    if (payload.length === 1) throw this.#violation("a close frame of one byte");
    const code = (payload[0] ?? 0) * 256 + (payload[1] ?? 0);
    if (!maySendCode(code)) throw this.#violation(`close code ${code}`);
    this.#sink.onClose(code, this.#decodeReason(payload.subarray(2)));
  }

  #decodeReason(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.#violation("a close reason that is not UTF-8");
    }
  }

  /** Returns the frame's length; one that takes more than 32 bits is Infinity. */
  #lengthAt(start: number, short: number): number {
    if (short < 126) return short;
    let length = 0;
    const end = start + (short === 126 ? 4 : 10);
    for (let i = start + 2; i < end; i++) length = length * 256 + this.#byte(i);
    return length;
  }

  #maskAt(at: number): number {
    let mask = 0;
    for (let i = at; i < at + MASK; i++) mask = (mask << 8) | this.#byte(i);
    return mask;
  }

  #byte(at: number): number {
    return this.#buffer.bytes[at] ?? 0;
  }

  #violation(what: string): WebSocketError {
    const peer = this.#role === "client" ? "server" : "client";
    return new WebSocketError(
      CloseCode.Protocol,
      `the ${peer} broke the WebSocket protocol: ${what}`,
    );
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
