import { DEFAULT_PORTS, withoutBrackets } from "../net/authority.ts";
import { TCPDialer } from "../net/dialer.ts";
import type { TCPConnection } from "../net/network.ts";
import type { HTTPProxy } from "../net/http_proxy.ts";
import { systemCode, systemReason } from "../net/system_reason.ts";
import { startTLS, TLSError } from "../net/tls_handshake.ts";
import { type ByteStream, closingOnAbort } from "../net/byte_stream.ts";
import { DialError } from "./dial_error.ts";
import { openProxyTunnel } from "./proxy_tunnel.ts";

export interface ConnectOptions {
  readonly signal: AbortSignal;
  /** The proxy that leads there; null for none. */
  readonly proxy: HTTPProxy | null;
  /** Authorities in PEM that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
  /** Is told when something has accepted the connection. */
  readonly onConnected: () => void;
}

/**
 * Connects to the host of an `http:` or `https:` URL, over TLS for the latter.
 *
 * @throws {DialError} when that fails, and the signal's reason when it is aborted.
 */
export async function connect(url: URL, options: ConnectOptions): Promise<ByteStream> {
  const { signal, proxy, authorities } = options;
  const isSecure = url.protocol === "https:";
  const host = withoutBrackets(url.hostname);
  const port = url.port === "" ? DEFAULT_PORTS[isSecure ? "https" : "http"] : Number(url.port);
  const plain = await dial(proxy ?? { host, port }, options);
  const { stream } = plain;
  if (proxy !== null) {
    await closingOnAbort(stream, signal, () => openProxyTunnel(stream, proxy, { host, port }));
  }
  if (!isSecure) return stream;
  try {
    return await startTLS(plain, { signal, hostname: host, authorities });
  } catch (cause) {
    if (!(cause instanceof TLSError)) throw cause;
    throw new DialError({ kind: "tls", fault: cause.fault }, cause.message, { cause });
  }
}

async function dial(
  { host, port }: { readonly host: string; readonly port: number },
  { signal, proxy, onConnected }: ConnectOptions,
): Promise<TCPConnection> {
  try {
    const connection = await new TCPDialer(host, port).open(signal);
    onConnected();
    return connection;
  } catch (cause) {
    signal.throwIfAborted();
    const reason = systemReason(cause);
    throw proxy === null
      ? new DialError({ kind: "unreachable", code: systemCode(cause) }, reason, { cause })
      : new DialError({ kind: "proxy", status: null }, `its proxy cannot be reached: ${reason}`, {
        cause,
      });
  }
}
