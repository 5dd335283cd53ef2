import { FrameCounter } from "./frame_counts.ts";
import { BINARY, MessageReader } from "./message_reader.ts";

/** Bytes that are forwarded at a time. */
const BUFFER = 256 * 1024;

/** Stands between a client and its server, forwards what they say and counts it. */
export class FrameTap implements AsyncDisposable {
  /** What clients sent. */
  readonly toServer = new FrameCounter();
  /** What the server sent. */
  readonly toClient = new FrameCounter();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serverPort: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #links = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #failure: unknown = null;

  private constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#accepting = this.#accept();
  }

  static start(serverPort: number): FrameTap {
    return new FrameTap(serverPort);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** @throws what could not be counted, if anything. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#open) this.#close(connection);
    await Promise.all(this.#links);
  }

  async #accept(): Promise<void> {
    try {
      for await (const near of this.#listener) {
        this.#open.add(near);
        const link = this.#link(near);
        this.#links.add(link);
        link.finally(() => this.#links.delete(link));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #link(near: Deno.TcpConn): Promise<void> {
    try {
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#serverPort });
      this.#open.add(far);
      near.setNoDelay(true);
      far.setNoDelay(true);
      await Promise.all([
        this.#forward(near, far, this.toServer),
        this.#forward(far, near, this.toClient),
      ]);
    } catch (error) {
      // A connection that ends is no failure of the count.
      const isEnd = error instanceof Deno.errors.Interrupted ||
        error instanceof Deno.errors.BadResource || error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionRefused;
      if (!isEnd) this.#failure ??= error;
      this.#close(near);
    }
  }

  async #forward(from: Deno.TcpConn, to: Deno.TcpConn, counter: FrameCounter): Promise<void> {
    const reader = new MessageReader((opcode, payload) => {
      if (opcode === BINARY) counter.add(payload);
    });
    const buffer = new Uint8Array(BUFFER);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        const bytes = buffer.subarray(0, count);
        // Counted before it goes on: who has an answer then finds it in the count.
        counter.bytes += count;
        reader.push(bytes);
        for (let sent = 0; sent < count;) sent += await to.write(bytes.subarray(sent));
      }
    } finally {
      this.#close(from);
      this.#close(to);
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
