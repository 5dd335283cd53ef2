import { joined } from "./frame_peer.ts";

/** Writes one frame as a server sends it, of any length, in the shortest form (RFC 6455 section 5.2). */
export function serverFrame(
  opcode: number,
  payload: Uint8Array,
  { fin = true }: { readonly fin?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  return joined(serverHeader(opcode, payload.length, { fin }), payload);
}

/** Writes the header alone, so that a test may promise more than it sends. */
export function serverHeader(
  opcode: number,
  length: number,
  { fin = true }: { readonly fin?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const size = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const header = new Uint8Array(2 + size);
  const view = new DataView(header.buffer);
  header[0] = (fin ? 0x80 : 0) | opcode;
  header[1] = size === 0 ? length : size === 2 ? 126 : 127;
  if (size === 2) view.setUint16(2, length);
  if (size === 8) view.setBigUint64(2, BigInt(length));
  return header;
}
