const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** What a lenient decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

/** Parses a JSON object in UTF-8 from a peer; undefined for anything else. Members are the object's own, never inherited. */
export function parseJSONObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  // The strict decoder takes three times as long, so it is asked only when there is a doubt.
  const text = decoder.decode(bytes);
  if (text.includes(REPLACEMENT) && !isUtf8(bytes)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return { __proto__: null, ...value };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
