/** Writes a value in DER (X.690 section 10): a tag, a length in the fewest octets, the contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  const head = length < 0x80 ? [tag, length] : [tag, ...longLength(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const part of contents) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A value that was read. */
export interface DERValue {
  readonly tag: number;
  /** Of a constructed value, others behind each other. */
  readonly contents: Uint8Array;
}

/** Octets of the longest length that is read: more than any certificate has. */
const MAX_LENGTH_OCTETS = 3;

/**
 * Reads values that stand behind each other.
 *
 * @throws {RangeError} for octets that are none, or that end within one.
 */
export function readDER(octets: Uint8Array): DERValue[] {
  const values: DERValue[] = [];
  for (let at = 0; at < octets.length;) {
    const [tag = 0, first = 0] = octets.subarray(at);
    const digits = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + digits;
    // 0x80 is a length that is told by the end, which DER has not.
    if (first === 0x80 || digits > MAX_LENGTH_OCTETS || start > octets.length) {
      throw new RangeError("no value in DER");
    }
    const length = digits === 0
      ? first
      : octets.subarray(at + 2, start).reduce((sum, octet) => sum << 8 | octet, 0);
    at = start + length;
    if (at > octets.length) throw new RangeError("a value in DER that is cut off");
    values.push({ tag, contents: octets.subarray(start, at) });
  }
  return values;
}

/** Tags of the universal types in use (X.680 section 8.6), the last two with the bit of a constructed value. */
export const Tag = {
  Integer: 0x02,
  BitString: 0x03,
  OctetString: 0x04,
  ObjectIdentifier: 0x06,
  UTF8String: 0x0c,
  UTCTime: 0x17,
  GeneralizedTime: 0x18,
  Sequence: 0x30,
  Set: 0x31,
} as const;

/** Returns the tag of a context-specific value; a constructed one holds others. */
export function contextTag(number: number, { isConstructed }: { readonly isConstructed: boolean }) {
  return 0x80 | number | (isConstructed ? 0x20 : 0);
}

export function sequence(...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return der(Tag.Sequence, ...contents);
}

/** Writes a number of at least zero, given by its octets, in the fewest octets and with a bit of sign (X.690 section 8.3). */
export function unsignedInteger(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const first = octets.findIndex((octet) => octet !== 0);
  const least = first === -1 ? Uint8Array.of(0) : octets.subarray(first);
  return (least[0] ?? 0) < 0x80
    ? der(Tag.Integer, least)
    : der(Tag.Integer, Uint8Array.of(0), least);
}

/** Writes an object identifier, given as numbers with dots (X.690 section 8.19). */
export function objectIdentifier(text: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift(left & 0x7f | 0x80);
    return digits;
  });
  return der(Tag.ObjectIdentifier, Uint8Array.from(octets));
}

/** Writes whole octets as a string of bits. */
export function bitString(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  return der(Tag.BitString, Uint8Array.of(0), octets);
}

function longLength(length: number): readonly number[] {
  const octets: number[] = [];
  for (let left = length; left > 0; left >>>= 8) octets.unshift(left & 0xff);
  return [0x80 | octets.length, ...octets];
}
