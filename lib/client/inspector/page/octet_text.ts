/** Returns the octets that the characters of a Latin-1 text are. */
export function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Returns octets as a text of so many characters. */
export function latin1Of(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at < octets.length; at += PIECE) {
    text += String.fromCharCode(...octets.subarray(at, at + PIECE));
  }
  return text;
}

/** Arguments of one call: an engine refuses some hundred thousand. */
const PIECE = 8192;

/** Decodes octets that are UTF-8, without a byte order mark; null for others. */
export function utf8Of(octets: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    return null;
  }
}

/** Reads the value of a field as a person means it: as UTF-8 where it is that, and else as it came. */
export function fieldText(value: string): string {
  // deno-lint-ignore no-control-regex -- it asks for characters that are not ASCII
  return /^[\x00-\x7f]*$/.test(value) ? value : utf8Of(octetsOf(value)) ?? value;
}

/** Writes a text that a person typed as the octets of a field. */
export function fieldValueOf(text: string): string {
  return latin1Of(new TextEncoder().encode(text));
}

/** Decodes octets of which only a part may be there: of a cut character nothing is left. */
export function textOfPart(octets: Uint8Array): string | null {
  for (let cut = 0; cut < 4; cut++) {
    const text = utf8Of(octets.subarray(0, octets.length - cut));
    if (text !== null) return text;
  }
  return null;
}

/** Shows characters that would change how a text around them is read. */
export function visible(text: string): string {
  return text.replaceAll(
    UNSEEN,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`,
  );
}

/** Control characters but for tab and line feed, and those that turn the direction of writing. */
// deno-lint-ignore no-control-regex -- these are what it is about
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
