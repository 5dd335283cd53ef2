/** Bytes that are forwarded at a time. */
const BUFFER_LENGTH = 64 * 1024;

/** Bytes of a packet, which is what others wait behind on a slow link. */
const PACKET = 1_500;

/** `up` is from the client to the server. */
export type Direction = "up" | "down";

/**
 * A TCP link on this machine that can be partitioned, cut off for good or slow.
 *
 * What is held is not lost: TCP sends again what a network has dropped, so it arrives once the network heals.
 */
export class Link implements AsyncDisposable {
  /** Connections accepted so far. */
  connectionCount = 0;
  /** Bytes a second, each way, of all connections together. */
  bytesPerSecond = Infinity;
  readonly #listener: Deno.TcpListener;
  readonly #targetPort: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #links = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #held = new Map<Direction, PromiseWithResolvers<void>>();
  /** When the link has carried what it was given, by `performance.now()`. */
  readonly #busyUntil: Record<Direction, number> = { up: 0, down: 0 };
  /** Connections with a lower number are dead without a word. */
  #firstAlive = 0;

  private constructor(listener: Deno.TcpListener, targetPort: number) {
    this.#listener = listener;
    this.#targetPort = targetPort;
    this.#accepting = this.#acceptAll();
  }

  static start(targetPort: number): Link {
    return new Link(Deno.listen({ hostname: "127.0.0.1", port: 0 }), targetPort);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Lets nothing through, in these directions, until `release`. */
  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.set(direction, Promise.withResolvers());
  }

  release(): void {
    for (const { resolve } of this.#held.values()) resolve();
    this.#held.clear();
  }

  /** Loses the connections that are there, as a router does that forgets them; neither side is told. */
  forget(): void {
    this.#firstAlive = this.connectionCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of [...this.#open]) this.#close(connection);
    this.release();
    await Promise.all(this.#links);
  }

  async #acceptAll(): Promise<void> {
    try {
      for await (const near of this.#listener) {
        this.#open.add(near);
        const link = this.#link(near, this.connectionCount++);
        this.#links.add(link);
        void link.then(() => this.#links.delete(link));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #link(near: Deno.TcpConn, id: number): Promise<void> {
    try {
      await this.#flowing("up");
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
      this.#open.add(far);
      for (const each of [near, far]) each.setNoDelay(true);
      await Promise.all([
        this.#forward(near, far, "up", id),
        this.#forward(far, near, "down", id),
      ]);
    } catch {
      // The server is not there: the client learns it by the close.
      this.#close(near);
    }
  }

  async #forward(from: Deno.TcpConn, to: Deno.TcpConn, way: Direction, id: number): Promise<void> {
    const buffer = new Uint8Array(BUFFER_LENGTH);
    try {
      for (;;) {
        const isSlow = this.bytesPerSecond < Infinity;
        const count = await from.read(isSlow ? buffer.subarray(0, PACKET) : buffer);
        await this.#flowing(way);
        if (id < this.#firstAlive) {
          if (count === null) return;
          continue;
        }
        if (count === null) break;
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
        await this.#carry(way, count);
      }
    } catch {
      // Either side is gone, or this link is closed.
    }
    if (id < this.#firstAlive) return;
    this.#close(from);
    this.#close(to);
  }

  /** Takes the time that a slow link takes for so many bytes, behind those of others. */
  async #carry(way: Direction, bytes: number): Promise<void> {
    const takes = bytes / this.bytesPerSecond * 1_000;
    if (takes === 0) return;
    const now = performance.now();
    this.#busyUntil[way] = Math.max(now, this.#busyUntil[way]) + takes;
    await new Promise((resolve) => setTimeout(resolve, this.#busyUntil[way] - now));
  }

  async #flowing(way: Direction): Promise<void> {
    for (let held = this.#held.get(way); held !== undefined; held = this.#held.get(way)) {
      await held.promise;
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
