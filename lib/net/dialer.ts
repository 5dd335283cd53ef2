import type { ByteStream } from "./byte_stream.ts";
import type { Network, TCPConnection } from "./network.ts";
import { SYSTEM_NETWORK } from "./system_network.ts";

/** Connects to one place, as often as asked; rejects with an error of the system's, or with the signal's reason. */
export interface Dialer {
  connect(signal: AbortSignal): Promise<ByteStream>;
}

/**
 * Connects to one host, as often as asked. For "localhost" it tries both loopback addresses, as a server may listen on one
 * alone; names below it lead there too (RFC 6761 section 6.3), which not every system's resolver knows.
 */
export class TCPDialer implements Dialer {
  readonly #network: Network;
  readonly #hostname: string;
  readonly #port: number;
  #loopback = ["::1", "127.0.0.1"];

  constructor(hostname: string, port: number, network: Network = SYSTEM_NETWORK) {
    this.#network = network;
    this.#hostname = hostname;
    this.#port = port;
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    return (await this.open(signal)).stream;
  }

  /** Connects as `connect` does, and can go over to TLS. */
  async open(signal: AbortSignal): Promise<TCPConnection> {
    const port = this.#port;
    if (!LOCAL.test(this.#hostname)) {
      return await this.#network.connect({ hostname: this.#hostname, port }, signal);
    }
    const [first = "", second = ""] = this.#loopback;
    try {
      return await this.#network.connect({ hostname: first, port }, signal);
    } catch {
      const connection = await this.#network.connect({ hostname: second, port }, signal);
      // Next time the address that answered comes first.
      this.#loopback = [second, first];
      return connection;
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
    return await SYSTEM_NETWORK.connectUnix(this.#path, signal);
  }
}
