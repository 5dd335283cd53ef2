import { Acceptor, besides } from "./acceptor.ts";

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
  /** Bytes forwarded so far, both ways together. */
  forwarded = 0;
  /** Bytes a second, each way, of all connections together. */
  bytesPerSecond = Infinity;
  readonly #acceptor: Acceptor;
  readonly #targetPort: number;
  readonly #held = new Map<Direction, PromiseWithResolvers<void>>();
  /** When the link has carried what it was given, by `performance.now()`. */
  readonly #busyUntil: Record<Direction, number> = { up: 0, down: 0 };
  /** Connections with a lower number are dead without a word. */
  #firstAlive = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#acceptor = new Acceptor((near, id) => this.#link(near, id), besides(targetPort));
  }

  /** Listens at the port's other loopback address, and forwards each connection to the port. */
  static start(targetPort: number): Link {
    return new Link(targetPort);
  }

  /** What a client is told in the place of the server's URL. */
  get url(): string {
    return `http://[::1]:${this.#acceptor.port}`;
  }

  get port(): number {
    return this.#acceptor.port;
  }

  /** Connections accepted so far. */
  get connectionCount(): number {
    return this.#acceptor.count;
  }

  /** Lets nothing through, in these directions, until `release`. */
  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.set(direction, Promise.withResolvers());
  }

  release(): void {
    for (const { resolve } of this.#held.values()) resolve();
    this.#held.clear();
  }

  /** Loses the connections that are there, as a router does that forgets them; neither side is told, and later ones live. */
  forget(): void {
    this.#firstAlive = this.connectionCount;
  }

  /** Closes the connections that are there, which both sides see at once. */
  cut(): void {
    this.#acceptor.closeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const disposed = this.#acceptor[Symbol.asyncDispose]();
    this.release();
    await disposed;
  }

  async #link(near: Deno.TcpConn, id: number): Promise<void> {
    try {
      await this.#flowing("up");
      const far = await this.#acceptor.connect(this.#targetPort);
      await Promise.all([
        this.#forward(near, far, "up", id),
        this.#forward(far, near, "down", id),
      ]);
    } catch {
      // The server is not there: the client learns it by the close.
      this.#acceptor.close(near);
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
        this.forwarded += count;
        await this.#carry(way, count);
      }
    } catch {
      // Either side is gone, or this link is closed.
    }
    if (id < this.#firstAlive) return;
    this.#acceptor.close(from);
    this.#acceptor.close(to);
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
}
