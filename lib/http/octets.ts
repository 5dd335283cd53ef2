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

/** Classifies each octet; one load decides, where a comparison per rule would cost several. */
export const OCTETS: Uint8Array = classify();

/** Tells whether a text is a token, as methods, field names and subprotocols are (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (((OCTETS[text.charCodeAt(i)] ?? 0) & TOKEN) === 0) return false;
  }
  return text.length > 0;
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
