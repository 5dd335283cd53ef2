import { Acceptor, besides } from "../testing/acceptor.ts";
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
  readonly #acceptor: Acceptor;
  readonly #serverPort: number;
  #failure: unknown = null;

  private constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#acceptor = new Acceptor((near) => this.#link(near), besides(serverPort));
  }

  static start(serverPort: number): FrameTap {
    return new FrameTap(serverPort);
  }

  /** What a client is told in the place of the server's URL. */
  get url(): string {
    return `http://[::1]:${this.#acceptor.port}`;
  }

  /** @throws what could not be counted, if anything. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }

  async #link(near: Deno.TcpConn): Promise<void> {
    try {
      const far = await this.#acceptor.connect(this.#serverPort);
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
      this.#acceptor.close(near);
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
      this.#acceptor.close(from);
      this.#acceptor.close(to);
    }
  }
}
