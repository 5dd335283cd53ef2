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
