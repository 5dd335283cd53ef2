/** Bytes that are forwarded at a time. */
const BUFFER_LENGTH = 64 * 1024;

/** One address for several servers on this machine: gives each connection to the first of them that takes it. */
export class Balancer implements AsyncDisposable {
  /** Ports, the preferred one first. */
  ports: readonly number[];
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #links = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  private constructor(listener: Deno.TcpListener, ports: readonly number[]) {
    this.#listener = listener;
    this.ports = ports;
    this.#accepting = this.#acceptAll();
  }

  static start(ports: readonly number[] = []): Balancer {
    return new Balancer(Deno.listen({ hostname: "127.0.0.1", port: 0 }), ports);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of [...this.#open]) this.#close(connection);
    await Promise.all(this.#links);
  }

  async #acceptAll(): Promise<void> {
    try {
      for await (const near of this.#listener) {
        this.#open.add(near);
        const link = this.#link(near);
        this.#links.add(link);
        void link.then(() => this.#links.delete(link));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #link(near: Deno.TcpConn): Promise<void> {
    const far = await this.#connect();
    if (far === null || !this.#open.has(near)) {
      far?.close();
      this.#close(near);
      return;
    }
    this.#open.add(far);
    for (const each of [near, far]) each.setNoDelay(true);
    await Promise.all([this.#forward(near, far), this.#forward(far, near)]);
    this.#close(near);
    this.#close(far);
  }

  async #connect(): Promise<Deno.TcpConn | null> {
    for (const port of this.ports) {
      try {
        return await Deno.connect({ hostname: "127.0.0.1", port });
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
    }
    return null;
  }

  async #forward(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(BUFFER_LENGTH);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
      await to.closeWrite();
    } catch {
      // Cut on one side, it ends on the other.
      this.#close(from);
      this.#close(to);
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
