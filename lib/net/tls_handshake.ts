import { type ByteStream, closingOnAbort } from "./byte_stream.ts";
import { parseAddress } from "./ip_address.ts";
import { tlsFailure, type TLSFault } from "./tls_failure.ts";

export interface TLSHandshakeOptions {
  readonly signal: AbortSignal;
  /** The name that is asked for (SNI, RFC 6066 section 3) and that the certificate must have; an address without brackets. */
  readonly hostname: string;
  /** Authorities in PEM that are trusted beside the usual ones. */
  readonly authorities: readonly string[];
}

/** Says why a TLS handshake failed: the message is a clause about the server, which it calls "it". */
export class TLSError extends Error {
  override readonly name = "TLSError";

  constructor(readonly fault: TLSFault, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Returns the name that Node's TLS asks a host for; none for an address, which is none (RFC 6066 section 3). */
export function serverNameFor(hostname: string): string {
  return parseAddress(hostname) === undefined ? hostname : "";
}

/**
 * Goes over to TLS on a connection, for HTTP/1.1.
 *
 * @throws {TLSError} when the handshake fails, and the signal's reason when it is aborted; the connection is closed then.
 */
export async function startTLS(
  plain: Deno.TcpConn,
  { signal, hostname, authorities }: TLSHandshakeOptions,
): Promise<ByteStream> {
  // Deno keeps the socket of a TLS handshake that is given up until the server closes or speaks.
  const secure = await Deno.startTls(plain, {
    hostname,
    alpnProtocols: ["http/1.1"],
    caCerts: [...authorities],
  });
  return await closingOnAbort(secure, signal, async () => {
    try {
      await secure.handshake();
    } catch (cause) {
      const { fault, reason } = tlsFailure(cause, hostname);
      throw new TLSError(fault, reason, { cause });
    }
    return secure;
  });
}
