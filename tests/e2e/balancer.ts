import { Acceptor } from "../testing/acceptor.ts";

/** Bytes that are forwarded at a time. */
const BUFFER_LENGTH = 64 * 1024;

/** One address for several servers on this machine: gives each connection to the first of them that takes it. */
export class Balancer implements AsyncDisposable {
  /** Ports, the preferred one first. */
  ports: readonly number[];
  readonly #acceptor: Acceptor;

  private constructor(ports: readonly number[]) {
    this.ports = ports;
    this.#acceptor = new Acceptor((near) => this.#link(near));
  }

  static start(ports: readonly number[] = []): Balancer {
    return new Balancer(ports);
  }

  get port(): number {
    return this.#acceptor.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }

  async #link(near: Deno.TcpConn): Promise<void> {
    const far = await this.#connect();
    if (far !== null) {
      await Promise.all([this.#forward(near, far), this.#forward(far, near)]);
      this.#acceptor.close(far);
    }
    this.#acceptor.close(near);
  }

  async #connect(): Promise<Deno.TcpConn | null> {
    for (const port of this.ports) {
      try {
        return await this.#acceptor.connect(port);
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
      this.#acceptor.close(from);
      this.#acceptor.close(to);
    }
  }
}
