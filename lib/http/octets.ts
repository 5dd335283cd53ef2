import { Buffer } from "node:buffer";

/** Bits of {@linkcode OCTETS}: what an octet may be part of. */
export const TOKEN = 1;
/** A field value, or a reason phrase: HTAB, SP, visible ASCII and obs-text (RFC 9110 section 5.5). */
export const TEXT = 2;
/** A token without capital letters, as field names are written here. */
export const LOWER_TOKEN = 4;
/** A request target: anything but blanks and control characters. */
export const TARGET = 8;

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const DEL = 0x7f;

/** Ends each line of a head. */
export const LINE_END = "\r\n";

/** Classifies each octet; one load decides, where a comparison per rule would cost several. */
export const OCTETS: Uint8Array = classify();

/** Tells whether a text is a token, as methods, field names and subprotocols are (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  return isAll(text, TOKEN);
}

/** Tells whether an octet is of a kind. */
export function isOf(octet: number, kind: number): boolean {
  return ((OCTETS[octet] ?? 0) & kind) !== 0;
}

/** Tells whether a text has characters, and all of one kind. */
export function isAll(text: string, kind: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (!isOf(text.charCodeAt(i), kind)) return false;
  }
  return text.length > 0;
}

/** Returns the offset of the first octet that is not of a kind. */
export function endOf(octets: Uint8Array, start: number, kind: number): number {
  let at = start;
  while (isOf(octets[at] ?? 0, kind)) at++;
  return at;
}

/** Octets up to which a text is made faster one by one than by `Buffer`. */
const SHORT = 8;

/** Returns octets as characters, one for one. */
export function latin1(octets: Uint8Array, start = 0, end = octets.length): string {
  if (end - start <= SHORT) {
    let text = "";
    for (let at = start; at < end; at++) text += String.fromCharCode(octets[at] ?? 0);
    return text;
  }
  // TextDecoder's latin1 is windows-1252 (Encoding standard); a Buffer of these octets would have to be made first.
  return Buffer.prototype.latin1Slice.call(octets, start, end);
}

/** Writes characters as octets, one for one; false for one that has none. */
export function writeLatin1(text: string, out: Uint8Array, offset: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return false;
    out[offset + i] = code;
  }
  return true;
}

/** Writes the octets of a text that are not ASCII as a URI does (RFC 3986 section 2.1). */
export function percentEncoded(text: string): string {
  return text.replace(
    /[\x80-\xff]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Returns the value of a hexadecimal digit, or -1. */
export function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Tells whether an octet is one of the two blanks that may stand around a value (RFC 9110 section 5.6.3). */
export function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === HTAB;
}

/** Takes blanks off both ends; `trim` would take Latin-1's no-break space too. */
export function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function classify(): Uint8Array {
  const octets = new Uint8Array(256);
  for (let octet = 0; octet < 256; octet++) {
    const char = String.fromCharCode(octet);
    let bits = 0;
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char)) bits |= TOKEN;
    if ((bits & TOKEN) !== 0 && !/[A-Z]/.test(char)) bits |= LOWER_TOKEN;
    if (octet === HTAB || (octet >= SP && octet !== DEL)) bits |= TEXT;
    if (octet > SP && octet !== DEL) bits |= TARGET;
    octets[octet] = bits;
  }
  return octets;
}
