import type { ByteStream } from "./byte_stream.ts";

/** Connects to one place, as often as asked; rejects with one of `Deno.errors`, or with the signal's reason. */
export interface Dialer {
  connect(signal: AbortSignal): Promise<ByteStream>;
}

/**
 * Connects to one host, as often as asked. For "localhost" it tries both loopback addresses, as a server may listen on one
 * alone; names below it lead there too (RFC 6761 section 6.3), which not every system's resolver knows.
 */
export class TCPDialer implements Dialer {
  readonly #hostname: string;
  readonly #port: number;
  #loopback = ["::1", "127.0.0.1"];

  constructor(hostname: string, port: number) {
    this.#hostname = hostname;
    this.#port = port;
  }

  async connect(signal: AbortSignal): Promise<Deno.TcpConn> {
    const socket = await this.#dial(signal);
    // Nagle's algorithm would let small writes in a row wait 40 ms for an acknowledgement.
    socket.setNoDelay(true);
    return socket;
  }

  async #dial(signal: AbortSignal): Promise<Deno.TcpConn> {
    const port = this.#port;
    if (!LOCAL.test(this.#hostname)) {
      return await Deno.connect({ hostname: this.#hostname, port, signal });
    }
    const [first = "", second = ""] = this.#loopback;
    try {
      return await Deno.connect({ hostname: first, port, signal });
    } catch {
      const socket = await Deno.connect({ hostname: second, port, signal });
      // Next time the address that answered comes first.
      this.#loopback = [second, first];
      return socket;
    }
  }
}

const LOCAL = /^(?:.+\.)?localhost$/;

/** Connects to a socket in the file system. */
export class UnixDialer implements Dialer {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    const socket = await Deno.connect({ transport: "unix", path: this.#path });
    // It comes at once or not at all, a full queue included, so that Deno takes no signal for it.
    if (!signal.aborted) return socket;
    socket.close();
    throw signal.reason;
  }
}
