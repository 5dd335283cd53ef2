import { isToken } from "../http/fields.ts";

/**
 * How this project spells the JSON of a head: without blanks, members in this order.
 *
 *     {"method":"GET","target":"/","fields":[["host","app.example"]]}
 *     {"status":200,"fields":[["content-length","0"]]}
 */
export const REQUEST_START = '{"method":"';
export const REQUEST_TARGET = '","target":"';
export const REQUEST_FIELDS = '","fields":[';
export const RESPONSE_START = '{"status":';
export const RESPONSE_FIELDS = ',"fields":[';

/** What stands around the names and values of fields, in bytes; END closes the head. */
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const OPENING = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSING = 0x5d;
export const END = 0x7d;

/** What a byte between quotes may be part of: bits of {@linkcode BYTE_KINDS}. */
export const ByteKind = { Method: 1, Target: 2, Name: 4, Value: 8 } as const;

/** The kinds of each byte that stands in JSON as it is: ASCII but quote, backslash and control characters. */
export const BYTE_KINDS: Uint8Array = kindsOfBytes();

function kindsOfBytes(): Uint8Array {
  const kinds = new Uint8Array(256);
  for (let code = 0x20; code < 0x7f; code++) {
    if (code === QUOTE || code === BACKSLASH) continue;
    const character = String.fromCharCode(code);
    let bits: number = ByteKind.Value;
    if (character !== " ") bits |= ByteKind.Target;
    if (isToken(character)) {
      bits |= ByteKind.Method;
      if (character === character.toLowerCase()) bits |= ByteKind.Name;
    }
    kinds[code] = bits;
  }
  return kinds;
}
