import { parseAddress } from "./ip_address.ts";

/** Where a connection comes from that a proxy passes on. */
export interface ProxiedSource {
  /** An address, IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** A header of the PROXY protocol, and where it ends. */
export interface ProxyHeader {
  /** null where the proxy speaks for itself, as in a health check, or does not know. */
  readonly source: ProxiedSource | null;
  /** The offset of the first byte behind it. */
  readonly end: number;
}

/** Says that a connection does not begin as the PROXY protocol has it. */
export class ProxyHeaderError extends Error {
  override readonly name = "ProxyHeaderError";
  readonly code = "MALFORMED_PROXY_HEADER";
}

/** Bytes of the longest header that is read: version 1 has 107, and version 2 room for what proxies add to addresses. */
export const MAX_PROXY_HEADER = 4 * 1024;

/** Bytes of the longest line of version 1, with its end. */
const MAX_LINE = 107;

/** What a header of version 2 begins with. */
const SIGNATURE = Uint8Array.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);

/** Bytes of a header of version 2 before its addresses. */
const FIXED = 16;

const LINE = /^PROXY (?:UNKNOWN(?: [^\r]*)?|(TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5}))\r\n$/;

/**
 * Reads what a proxy sends before a visitor's first byte, in version 1 or 2 of HAProxy's PROXY protocol; null when more must
 * come first.
 *
 * @throws {ProxyHeaderError} for anything else.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | null {
  const isBinary = bytes[0] === SIGNATURE[0];
  return isBinary ? readBinary(bytes) : readLine(bytes);
}

function readLine(bytes: Uint8Array): ProxyHeader | null {
  const start = "PROXY ";
  for (let i = 0; i < start.length && i < bytes.length; i++) {
    if (bytes[i] !== start.charCodeAt(i)) throw new ProxyHeaderError("no PROXY header came");
  }
  const end = bytes.subarray(0, MAX_LINE).indexOf(0x0a) + 1;
  if (end === 0) {
    if (bytes.length >= MAX_LINE) throw new ProxyHeaderError("a PROXY line that is too long");
    return null;
  }
  const match = LINE.exec(new TextDecoder().decode(bytes.subarray(0, end)));
  if (match === null) throw new ProxyHeaderError("a malformed PROXY line");
  const [, family, hostname = "", , port = ""] = match;
  if (family === undefined) return { source: null, end };
  const isOfFamily = hostname.includes(":") === (family === "TCP6");
  const address = parseAddress(hostname);
  if (address === undefined || !isOfFamily || Number(port) > 65_535) {
    throw new ProxyHeaderError("a PROXY line without an address");
  }
  return { source: { hostname, port: Number(port) }, end };
}

function readBinary(bytes: Uint8Array): ProxyHeader | null {
  for (let i = 0; i < SIGNATURE.length && i < bytes.length; i++) {
    if (bytes[i] !== SIGNATURE[i]) throw new ProxyHeaderError("no PROXY header came");
  }
  if (bytes.length < FIXED) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const command = view.getUint8(12);
  const family = view.getUint8(13);
  const end = FIXED + view.getUint16(14);
  if (command !== 0x20 && command !== 0x21) throw new ProxyHeaderError("an unknown PROXY version");
  if (end > MAX_PROXY_HEADER) throw new ProxyHeaderError("a PROXY header that is too long");
  if (bytes.length < end) return null;
  if (command === 0x20) return { source: null, end };
  const length = family === TCP4 ? 4 : family === TCP6 ? 16 : 0;
  if (length === 0) return { source: null, end };
  // Two addresses, and two ports behind them.
  if (end < FIXED + 2 * length + 4) throw new ProxyHeaderError("a PROXY header without addresses");
  const address = bytes.subarray(FIXED, FIXED + length);
  const port = view.getUint16(FIXED + 2 * length);
  return { source: { hostname: addressText(address), port }, end };
}

/** Address families over TCP in a header of version 2. */
const TCP4 = 0x11;
const TCP6 = 0x21;

function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  const groups: string[] = [];
  for (let i = 0; i < address.length; i += 2) {
    groups.push((((address[i] ?? 0) << 8) | (address[i + 1] ?? 0)).toString(16));
  }
  return groups.join(":");
}
