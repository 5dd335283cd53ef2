/**
 * Returns the lower-case name of a field that speaks of one connection or of how its messages are
 * delimited (RFC 9110 section 7.6.1, RFC 9112 section 6), or null for any other: such a field is written
 * anew for each hop and never passed on.
 */
export function connectionField(name: string): string | null {
  switch (name.length) {
    case 2:
    case 7:
    case 10:
    case 14:
    case 16:
    case 17: {
      const lower = name.toLowerCase();
      return CONNECTION_FIELDS.has(lower) ? lower : null;
    }
    default: // most names have a length that none of these has, and need no look-up
      return null;
  }
}

/** All of them. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
