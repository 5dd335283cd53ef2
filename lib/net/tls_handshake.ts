import type { ByteStream } from "./byte_stream.ts";
import { parseAddress } from "./ip_address.ts";
import type { TCPConnection, TLSOptions } from "./network.ts";
import { tlsFailure, type TLSFault } from "./tls_failure.ts";

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
export async function startTLS(plain: TCPConnection, options: TLSOptions): Promise<ByteStream> {
  try {
    return await plain.startTLS(options);
  } catch (cause) {
    options.signal.throwIfAborted();
    const { fault, reason } = tlsFailure(cause, options.hostname);
    throw new TLSError(fault, reason, { cause });
  }
}
