const decoder = new TextDecoder("utf-8", { fatal: true });

/** Parses a JSON object in UTF-8 from a peer; undefined for anything else. Members are the object's own, never inherited. */
export function parseJSONObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return { __proto__: null, ...value };
}
