import {
  MAX_PROXY_HEADER,
  type ProxiedSource,
  ProxyHeaderError,
  readProxyHeader,
} from "../../../net/proxy_header.ts";
import type { ByteStream } from "../../../net/byte_stream.ts";

/** What a proxy said of a connection. */
export interface Proxied {
  /** Whom it comes from; null where the proxy speaks for itself. */
  readonly source: ProxiedSource | null;
  /** What came behind the header. */
  readonly early: Uint8Array;
}

/**
 * Reads the PROXY header that a connection begins with, within so many milliseconds; the connection is closed when it does
 * not come.
 *
 * @throws {ProxyHeaderError | Error} when none came, or the connection ended.
 */
export async function readProxied(connection: ByteStream, timeout: number): Promise<Proxied> {
  const timer = setTimeout(() => connection.close(), timeout);
  const buffer = new Uint8Array(MAX_PROXY_HEADER);
  try {
    for (let end = 0;;) {
      const count = await connection.read(buffer.subarray(end));
      if (count === null) throw new ProxyHeaderError("the proxy closed the connection");
      end += count;
      const header = readProxyHeader(buffer.subarray(0, end));
      if (header === null) continue;
      return { source: header.source, early: buffer.subarray(header.end, end) };
    }
  } finally {
    clearTimeout(timer);
  }
}
