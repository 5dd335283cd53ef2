import { Acceptor } from "../testing/acceptor.ts";

/** Bytes that are forwarded at a time. */
const BUFFER_LENGTH = 64 * 1024;

/** One address for several servers on this machine: gives each connection to the first of them that takes it, or to one after the other. */
export class Balancer implements AsyncDisposable {
  /** Ports, the preferred one first. */
  ports: readonly number[];
  readonly #acceptor: Acceptor;
  readonly #inTurn: boolean;

  private constructor(ports: readonly number[], inTurn: boolean) {
    this.ports = ports;
    this.#inTurn = inTurn;
    this.#acceptor = new Acceptor((near) => this.#link(near));
  }

  /** Starts one; `inTurn` puts the port that took a connection behind the others. */
  static start(
    ports: readonly number[] = [],
    { inTurn = false }: { readonly inTurn?: boolean } = {},
  ): Balancer {
    return new Balancer(ports, inTurn);
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
        const connection = await this.#acceptor.connect(port);
        if (this.#inTurn) this.ports = [...this.ports.filter((other) => other !== port), port];
        return connection;
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
