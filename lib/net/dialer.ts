import { isLocalhost } from "./authority.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Network, TCPConnection } from "./network.ts";
import { SYSTEM_NETWORK } from "./system_network.ts";

/** Connects to one place, as often as asked; rejects with an error of the system's, or with the signal's reason. */
export interface Dialer {
  connect(signal: AbortSignal): Promise<ByteStream>;
}

/** Options of {@linkcode TCPDialer}. */
export interface TCPDialerOptions {
  /** Opens the connections. @default the runtime's own */
  readonly network?: Network;
  /** Addresses that the host is known to have, so that no name is looked up. @default what the name leads to */
  readonly addresses?: readonly string[] | undefined;
}

/**
 * Connects to one host, as often as asked, at one of its addresses after the other. For "localhost" it tries both loopback
 * addresses, as a server may listen on one alone; names below it lead there too (RFC 6761 section 6.3), which not every
 * system's resolver knows.
 */
export class TCPDialer implements Dialer {
  readonly #network: Network;
  readonly #port: number;
  #hosts: readonly string[];

  constructor(
    hostname: string,
    port: number,
    { network = SYSTEM_NETWORK, addresses }: TCPDialerOptions = {},
  ) {
    this.#network = network;
    this.#port = port;
    this.#hosts = addresses ?? (isLocalhost(hostname) ? LOOPBACK : [hostname]);
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    return (await this.open(signal)).stream;
  }

  /** Connects as `connect` does, and can go over to TLS. */
  async open(signal: AbortSignal): Promise<TCPConnection> {
    let failure: unknown;
    for (const hostname of this.#hosts) {
      try {
        const connection = await this.#network.connect({ hostname, port: this.#port }, signal);
        this.#prefer(hostname);
        return connection;
      } catch (cause) {
        signal.throwIfAborted();
        failure = cause;
      }
    }
    throw failure;
  }

  /** Next time the address that answered comes first. */
  #prefer(hostname: string): void {
    if (this.#hosts[0] === hostname) return;
    this.#hosts = [hostname, ...this.#hosts.filter((other) => other !== hostname)];
  }
}

/** The addresses of this machine, the one that newer servers listen on first. */
export const LOOPBACK: readonly string[] = ["::1", "127.0.0.1"];

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
