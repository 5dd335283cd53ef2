import { createHash } from "node:crypto";
import { joined } from "./frame_peer.ts";

/** The frame's opcodes (RFC 6455 section 5.2). */
export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

export interface FrameOptions {
  /** Whether the message ends with this frame. @default true */
  readonly fin?: boolean;
  /** Whether it is sent as a client must send it. @default false */
  readonly masked?: boolean;
}

/** The longest payload that these frames have: a length of seven bits is enough for what is told by hand. */
const MAX_LENGTH = 125;

/** The mask of every client frame here: any four bytes will do, since no proxy is to be fooled. */
const MASK = new Uint8Array([0x12, 0x34, 0x56, 0x78]);

/** Writes one WebSocket frame by hand, so that a test decides how a message is cut. */
export function webSocketFrame(
  opcode: number,
  payload: string | Uint8Array,
  { fin = true, masked = false }: FrameOptions = {},
): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  if (bytes.length > MAX_LENGTH) throw new RangeError(`a frame of ${bytes.length} bytes`);
  const head = new Uint8Array([(fin ? 0x80 : 0) | opcode, (masked ? 0x80 : 0) | bytes.length]);
  if (!masked) return joined(head, bytes);
  return joined(head, MASK, bytes.map((byte, i) => byte ^ (MASK[i % MASK.length] ?? 0)));
}

/** Returns the Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2). */
export function acceptKey(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Any 16 bytes in base64: the key of every handshake that is written by hand. */
export const HANDSHAKE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** The fields of a correct opening handshake (RFC 6455 section 4.1). */
export const HANDSHAKE = [
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Key", HANDSHAKE_KEY],
  ["Sec-WebSocket-Version", "13"],
] as const;
