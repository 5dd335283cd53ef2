import { slabRoom, takeFromSlab } from "./slab.ts";

/** A UTF-16 unit takes at most three bytes of UTF-8. */
const BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes a text that is needed for a short time: its bytes are taken from a slab. */
export function encodeUtf8(text: string): Uint8Array {
  const room = slabRoom(text.length * BYTES_PER_UNIT);
  if (room === null) return encoder.encode(text);
  return takeFromSlab(encoder.encodeInto(text, room).written);
}

/** Decodes UTF-8, with U+FFFD in the place of what is none. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
