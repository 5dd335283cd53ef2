/** One reader in so many reads slowly; the others read nothing at all. */
const ONE_READS_IN = 10;

/** Bytes that such a reader takes each second. */
const SLOWLY = 1_000;

/** Connections that are opened at the same time: a listener's queue is short. */
const AT_ONCE = 50;

/** Visitors that ask for a long download and do not read it. */
export class SlowReaders implements AsyncDisposable {
  readonly #connections: readonly Deno.TcpConn[];
  readonly #reading: Promise<void>[] = [];
  #isOver = false;

  private constructor(connections: readonly Deno.TcpConn[]) {
    this.#connections = connections;
    for (const [i, connection] of connections.entries()) {
      if (i % ONE_READS_IN === 0) this.#reading.push(this.#readSlowly(connection));
    }
  }

  /** Resolves once all have sent the request, to a port of this machine. */
  static async open(port: number, request: string, count: number): Promise<SlowReaders> {
    const connections: Deno.TcpConn[] = [];
    while (connections.length < count) {
      const next = Math.min(AT_ONCE, count - connections.length);
      connections.push(
        ...await Promise.all(Array.from({ length: next }, () => ask(port, request))),
      );
    }
    return new SlowReaders(connections);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#reading);
  }

  async #readSlowly(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(SLOWLY);
    try {
      while (!this.#isOver && await connection.read(buffer) !== null) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    } catch {
      // It is over: the connection was closed while it was read.
    }
  }
}

async function ask(port: number, request: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  return connection;
}
