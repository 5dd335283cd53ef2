/** What is done with a connection that was accepted; when it rejects, so does the end of the acceptor. `id` counts connections from 0. */
type Serve = (connection: Deno.TcpConn, id: number) => Promise<void>;

/**
 * Where something listens between a client and the server that has this port at 127.0.0.1: a server on this machine
 * takes clients that were told its own port, and no other one.
 */
export function besides(port: number): { readonly hostname: string; readonly port: number } {
  return { hostname: "::1", port };
}

/** Takes the connections to a port of this machine, and owns them and those that are opened for them. */
export class Acceptor implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #serve: Serve;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #served = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #count = 0;
  #isDisposed = false;

  /** Listens at a loopback address; 0 lets the system choose the port. */
  constructor(serve: Serve, { hostname = "127.0.0.1", port = 0 } = {}) {
    this.#serve = serve;
    this.#listener = Deno.listen({ hostname, port });
    this.#accepting = this.#acceptAll();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections accepted so far. */
  get count(): number {
    return this.#count;
  }

  /** Connects to a port of this machine. */
  async connect(port: number): Promise<Deno.TcpConn> {
    return this.#own(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }

  /** Closes all connections that are there. */
  closeAll(): void {
    for (const connection of [...this.#open]) this.close(connection);
  }

  /** Closes everything and waits until nothing is served any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    this.#isDisposed = true;
    this.closeAll();
    await Promise.all(this.#served);
  }

  async #acceptAll(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        const served = this.#serve(this.#own(connection), this.#count++);
        this.#served.add(served);
        served.then(() => this.#served.delete(served), () => {});
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  #own(connection: Deno.TcpConn): Deno.TcpConn {
    connection.setNoDelay(true);
    this.#open.add(connection);
    // One that was under way at the end is of no use to anybody.
    if (this.#isDisposed) this.close(connection);
    return connection;
  }
}
