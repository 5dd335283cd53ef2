import { once } from "node:events";
import { connect } from "node:tls";
import type { ByteStream } from "./byte_stream.ts";
import { tlsFailure } from "./tls_failure.ts";
import { lookupAmong } from "./name_lookup.ts";
import { SocketStream } from "./socket_stream.ts";
import { serverNameFor, TLSError } from "./tls_handshake.ts";

export interface UnverifiedTLSOptions {
  readonly signal: AbortSignal;
  readonly host: string;
  readonly port: number;
  /** Addresses that the host is known to have. @default what its name leads to */
  readonly addresses?: readonly string[] | undefined;
  /** The name that is asked for (SNI); an address asks for none. */
  readonly hostname: string;
}

/**
 * Connects over TLS to a server whose certificate is not looked at.
 *
 * `Deno.connectTls` always looks; the connections of `node:tls` need not, and cost more.
 *
 * @throws {TLSError} for another fault of the handshake, one of `node:net` when there is no connection, and the signal's
 * reason when it is aborted.
 */
export async function connectUnverified(
  { signal, host, port, hostname, addresses }: UnverifiedTLSOptions,
): Promise<ByteStream> {
  signal.throwIfAborted();
  const socket = connect({
    ...{ host, port },
    ...(addresses === undefined ? {} : { lookup: lookupAmong(addresses) }),
    servername: serverNameFor(hostname),
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  try {
    await once(socket, "secureConnect", { signal });
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    if (cause instanceof Error && "syscall" in cause && cause.syscall === "connect") throw cause;
    const { fault, reason } = tlsFailure(cause, hostname);
    throw new TLSError(fault, reason, { cause });
  }
  socket.setNoDelay(true);
  return new SocketStream(socket);
}
