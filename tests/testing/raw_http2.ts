import { joined, u32 } from "./frame_peer.ts";
import { toBytes } from "./latin1.ts";

/** What a client begins with (RFC 9113 section 3.4), and its SETTINGS without any. */
export const HTTP2_PREFACE: Uint8Array<ArrayBuffer> = joined(
  new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(4, 0, 0, new Uint8Array(0)),
);

const END_STREAM = 0x01;
const END_HEADERS = 0x04;
const WHOLE_REQUEST = END_STREAM | END_HEADERS;

/** CANCEL (RFC 9113 section 7). */
const CANCEL = 8;

/** Writes the HEADERS of `GET /`, whole (RFC 7541 without Huffman coding and dynamic table). */
export function http2Get(stream: number, host: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(host);
  const literal = joined(Uint8Array.of(name.length), name);
  // :method GET, :scheme http, :path /, :authority, and host, all by their place in the static table.
  const block = joined(
    Uint8Array.of(0x82, 0x86, 0x84, 0x01),
    literal,
    Uint8Array.of(0x0f, 0x17),
    literal,
  );
  return frame(1, WHOLE_REQUEST, stream, block);
}

/** Writes a request whose fields, pseudo-fields too, are any bytes in Latin-1, of up to 126 each. */
export function http2Request(
  stream: number,
  fields: readonly (readonly [name: string, value: string])[],
  body?: string,
): Uint8Array<ArrayBuffer> {
  const block = joined(
    ...fields.flatMap(([name, value]) => [
      Uint8Array.of(0x10, name.length),
      toBytes(name),
      Uint8Array.of(value.length),
      toBytes(value),
    ]),
  );
  if (body === undefined) return frame(1, WHOLE_REQUEST, stream, block);
  return joined(frame(1, END_HEADERS, stream, block), frame(0, END_STREAM, stream, toBytes(body)));
}

/** Writes the RST_STREAM that cancels a stream. */
export function http2Reset(stream: number): Uint8Array<ArrayBuffer> {
  return frame(3, 0, stream, u32(CANCEL));
}

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const length = u32(payload.length).subarray(1);
  return joined(length, Uint8Array.of(type, flags), u32(stream), payload);
}
