/** Bytes that are forwarded at a time. */
const BUFFER_LENGTH = 64 * 1024;

/** A TCP link on the way from a client to its server, which can go dead without a word to either side. */
export class Relay implements AsyncDisposable {
  /** Bytes forwarded so far, both ways together. */
  forwarded = 0;
  /** Connections accepted so far. */
  connectionCount = 0;
  readonly #listener: Deno.TcpListener;
  readonly #targetPort: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #links = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  /** Connections with a lower number are dead. */
  #firstAlive = 0;

  private constructor(listener: Deno.TcpListener, targetPort: number) {
    this.#listener = listener;
    this.#targetPort = targetPort;
    this.#accepting = this.#acceptAll();
  }

  /** Listens, and forwards each connection to a port of this machine. */
  static start(targetPort: number): Relay {
    return new Relay(Deno.listen({ hostname: "127.0.0.1", port: 0 }), targetPort);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Lets the connections that are there go dead: what comes is swallowed, a close too; later ones live. */
  freeze(): void {
    this.#firstAlive = this.connectionCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#open) this.#close(connection);
    await Promise.all(this.#links);
  }

  async #acceptAll(): Promise<void> {
    try {
      for await (const near of this.#listener) {
        this.#open.add(near);
        const link = this.#link(near, this.connectionCount++);
        this.#links.add(link);
        link.finally(() => this.#links.delete(link));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #link(near: Deno.TcpConn, id: number): Promise<void> {
    try {
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
      this.#open.add(far);
      near.setNoDelay(true);
      far.setNoDelay(true);
      await Promise.all([this.#forward(near, far, id), this.#forward(far, near, id)]);
    } catch {
      // The server is not there: the client learns it by the close.
      this.#close(near);
    }
  }

  async #forward(from: Deno.TcpConn, to: Deno.TcpConn, id: number): Promise<void> {
    const buffer = new Uint8Array(BUFFER_LENGTH);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (id < this.#firstAlive) {
          if (count === null) return;
          continue;
        }
        if (count === null) break;
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
        this.forwarded += count;
      }
    } catch {
      // Either side is gone, or this relay is closed.
    }
    if (id < this.#firstAlive) return;
    this.#close(from);
    this.#close(to);
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
