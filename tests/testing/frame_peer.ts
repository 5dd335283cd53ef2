import {
  decodeFrames,
  FRAME_HEADER_LENGTH,
  frameName,
  uint32At,
  writeFrameHeader,
} from "../../lib/wire/frame.ts";
import type { WebSocketLike } from "../../lib/websocket/websocket_transport.ts";
import { within } from "./within.ts";
import { encodeRequestHead, GET } from "./heads.ts";

/** A frame as it came over the wire. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

/** What a frame that is to be sent may have beside its type. */
export interface FrameParts {
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Uint8Array | string;
}

/** Speaks frames over a socket, by the rules or against them, and notes all that comes. */
export class FramePeer {
  /** Frames that came and were not taken. */
  readonly frames: SeenFrame[] = [];
  /** Bytes of each message that came. */
  readonly messageLengths: number[] = [];
  readonly #socket: WebSocketLike;
  readonly #closed = Promise.withResolvers<{ readonly code: number; readonly reason: string }>();
  #arrived: (() => void) | null = null;
  #isClosed = false;

  constructor(socket: WebSocketLike) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#onMessage(data));
    socket.addEventListener("close", (event) => {
      this.#isClosed = true;
      this.#closed.resolve(event);
      this.#arrived?.();
    });
    socket.addEventListener("error", () => {});
  }

  /** Resolves with the socket's close. */
  get closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return within(this.#closed.promise, "the close of the socket");
  }

  /** Sends one frame as one message. */
  send(type: number, parts: FrameParts = {}): void {
    this.sendBytes(frameOf(type, parts));
  }

  /** Sends a message, whatever it holds. */
  sendBytes(message: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  /** Closes the socket with that code. */
  close(code: number): void {
    this.#socket.close(code, "");
  }

  /** Takes the next frame, which must be of that type. */
  async next(type: number): Promise<SeenFrame> {
    while (this.frames.length === 0) {
      await this.#arrival(type);
      if (this.frames.length === 0) throw new Error(`no ${frameName(type)} before the close`);
    }
    const frame = this.frames.shift();
    if (frame === undefined || frame.type !== type) {
      throw new Error(`${describe(frame)} where a ${frameName(type)} was expected`);
    }
    return frame;
  }

  /** Takes the next frame of that type and passes over all that comes before it. */
  async skipTo(type: number): Promise<SeenFrame> {
    for (;;) {
      const at = this.frames.findIndex((frame) => frame.type === type);
      if (at > 0) this.frames.splice(0, at);
      if (at !== -1 || this.#isClosed) return await this.next(type);
      this.frames.length = 0;
      await this.#arrival(type);
    }
  }

  /** Takes every frame that is here. */
  take(): SeenFrame[] {
    return this.frames.splice(0);
  }

  /** Takes what is here and returns the names of the types, which is what order is about. */
  takeNames(): string[] {
    return this.take().map(({ type }) => frameName(type));
  }

  async #arrival(type: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arrived = resolve;
    await within(promise, `a ${frameName(type)}`);
  }

  #onMessage(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) throw new Error("the session sent a text message");
    const message = new Uint8Array(data);
    this.messageLengths.push(message.length);
    decodeFrames(message, (type, flags, stream, payload) => {
      this.frames.push({ type, flags, stream, payload: payload.slice() });
    });
    this.#arrived?.();
  }
}

/** Returns the bytes of a frame. */
export function frameOf(type: number, parts: FrameParts = {}): Uint8Array<ArrayBuffer> {
  const { flags = 0, stream = 0, payload = "" } = parts;
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const frame = new Uint8Array(FRAME_HEADER_LENGTH + bytes.length);
  writeFrameHeader(frame, 0, type, flags, stream, bytes.length);
  frame.set(bytes, FRAME_HEADER_LENGTH);
  return frame;
}

/** Frames of types that nobody knows, for the session and for streams, as a later version may send them. */
export const UNKNOWN_FRAMES: Uint8Array<ArrayBuffer> = joined(
  frameOf(0x7f, { flags: 0xff, payload: "whatever it is" }),
  frameOf(0x1f, { stream: 1, flags: 0x01 }),
  frameOf(0xff, { stream: 0xffff_ffff, payload: new Uint8Array(5_000) }),
);

/** Returns the payload of an HTTPRequest or WSRequest: the answer's window and a head. */
export function openingOf(
  window: number,
  head = encodeRequestHead(GET),
): Uint8Array<ArrayBuffer> {
  return joined(u32(window), head);
}

/** Returns a big-endian u32. */
export function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Returns a big-endian u16 with a text behind it, as Reset and WSTeardown have. */
export function coded(code: number, reason = ""): Uint8Array<ArrayBuffer> {
  return joined(new Uint8Array([code >> 8, code & 0xff]), new TextEncoder().encode(reason));
}

/** Returns the credits that are among the frames, in bytes. */
export function creditsOf(frames: readonly SeenFrame[], type: number): number[] {
  return frames.filter((frame) => frame.type === type).map(({ payload }) => uint32At(payload, 0));
}

/** Returns the pieces back to back. */
export function joined(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

function describe(frame: SeenFrame | undefined): string {
  if (frame === undefined) return "nothing";
  const text = new TextDecoder().decode(frame.payload.subarray(0, 100));
  return `a ${frameName(frame.type)} on stream ${frame.stream} (${JSON.stringify(text)})`;
}
