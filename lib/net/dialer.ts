/** Connects to one host, as often as asked; for "localhost" it tries both loopback addresses, as a server may listen on one alone. */
export class TCPDialer {
  readonly #hostname: string;
  readonly #port: number;
  #loopback = ["::1", "127.0.0.1"];

  constructor(hostname: string, port: number) {
    this.#hostname = hostname;
    this.#port = port;
  }

  /** Connects; rejects with one of `Deno.errors`, or with the signal's reason. */
  async connect(signal: AbortSignal): Promise<Deno.TcpConn> {
    const port = this.#port;
    if (this.#hostname !== "localhost") {
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
