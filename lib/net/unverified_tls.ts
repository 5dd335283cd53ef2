import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:tls";
import type { ByteStream } from "./byte_stream.ts";
import { tlsFailure } from "./tls_failure.ts";
import { serverNameFor, TLSError } from "./tls_handshake.ts";

export interface UnverifiedTLSOptions {
  readonly signal: AbortSignal;
  readonly host: string;
  readonly port: number;
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
  { signal, host, port, hostname }: UnverifiedTLSOptions,
): Promise<ByteStream> {
  signal.throwIfAborted();
  const socket = connect({
    ...{ host, port },
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

/** A socket of Node's, read on demand; one read at a time. */
class SocketStream implements ByteStream {
  readonly #socket: Socket;
  #error: unknown = null;
  #hasEnded = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    const wake = (): void => this.#wake?.();
    socket.on("readable", wake);
    socket.on("end", () => {
      this.#hasEnded = true;
      wake();
    });
    socket.on("close", () => {
      this.#hasEnded = true;
      wake();
    });
    socket.on("error", (error: unknown) => {
      this.#error = error;
      wake();
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const available = this.#socket.readableLength;
      if (available > 0) {
        const piece: Uint8Array | null = this.#socket.read(Math.min(available, into.length));
        if (piece !== null) {
          into.set(piece);
          return piece.length;
        }
      }
      if (this.#error !== null) throw this.#error;
      if (this.#hasEnded) return null;
      // Without data this asks the system for some.
      this.#socket.read(0);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
