/** A byte order mark belongs to the text (RFC 6455 section 5.6 knows only UTF-8). */
const OPTIONS = { ignoreBOM: true };

const strict = new TextDecoder("utf-8", { ...OPTIONS, fatal: true });
const lenient = new TextDecoder("utf-8", OPTIONS);

/** What the lenient decoder puts in the place of what is no UTF-8. */
const REPLACEMENT = "\ufffd";

/** Decodes the text of a message. @throws {TypeError} when it is not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  const text = lenient.decode(bytes);
  // Deno's strict decoder takes three times as long; only it can tell such a character that was sent from one put in.
  return text.includes(REPLACEMENT) ? strict.decode(bytes) : text;
}
