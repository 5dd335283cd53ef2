/** What an origin may speak in the place of HTTP/1.1, without being asked in it. */
export type ForeignProtocol = "TLS" | "h2c";

/** Bytes that tell: the header of an HTTP/2 frame (RFC 9113 section 4.1). */
export const TELLING_BYTES = 9;

/** Recognises TLS and HTTP/2 by the first bytes that they answer with, or returns null. */
export function foreignProtocol(
  octets: Uint8Array,
  start: number,
  end: number,
): ForeignProtocol | null {
  const [first = 0, second = 0, third = 0, type = 0, flags = 0] = octets.subarray(start, end);
  // A record: its type, and versions from SSL 3.0 to TLS 1.3, which calls itself 1.2 (RFC 8446 section 5.1).
  const isRecord = first >= 0x14 && first <= 0x17 && second === 3 && third <= 4;
  if (isRecord && end - start >= 3) return "TLS";
  if (end - start < TELLING_BYTES) return null;
  const ofConnection = octets.subarray(start + 5, start + TELLING_BYTES).every((octet) =>
    octet === 0
  );
  const isShort = first === 0 && second === 0;
  const isSettings = type === SETTINGS && flags <= 1 && third % 6 === 0;
  return isShort && ofConnection && (isSettings || type === GOAWAY) ? "h2c" : null;
}

/** Types of the frames that an HTTP/2 server begins with (RFC 9113 section 6). */
const SETTINGS = 0x04;
const GOAWAY = 0x07;

/** Says what an owner has to change. */
export const FOREIGN_ADVICE: Readonly<Record<ForeignProtocol, string>> = {
  TLS: "this port speaks TLS (https), and the client asks in plain HTTP; " +
    "give the client the service with https:// in front of it",
  h2c: "this port speaks HTTP/2 without TLS (h2c), and the client asks in HTTP/1.1; " +
    "give the client a port where the service speaks HTTP/1.1",
};
