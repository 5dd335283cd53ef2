/**
 * A link of a length: what comes in on either side goes out on the other so many milliseconds later, and nothing is
 * held up by anything else. Called with the port to forward to, the address and port to listen on, and the delay.
 */
const [targetPort = 0, , listenPort = 0, delay = 0] = Deno.args.map(Number);
const [, hostname = "127.0.0.1"] = Deno.args;

/** Bytes on their way in one direction of one connection at most: 64 MiB in 50 ms are 1.3 GB/s. */
const MAX_IN_FLIGHT = 64 * 1024 * 1024;
/** Bytes that are allocated at once and filled by several reads, since small reads would waste a buffer each. */
const SLAB = 256 * 1024;
/** Bytes of a slab that are still worth reading into. */
const MIN_READ = 16 * 1024;
/** Pieces on their way at most: each is an object beside its bytes. */
const MAX_PIECES = 64 * 1024;

/** Bytes and when they arrive; none for the end. */
interface Piece {
  readonly due: number;
  readonly bytes: Uint8Array | null;
}

/** Joins both sides; `open` is when a handshake over the link would be done. */
async function link(near: Deno.TcpConn, open: number): Promise<void> {
  using _near = near;
  try {
    using far = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
    near.setNoDelay(true);
    far.setNoDelay(true);
    await Promise.all([new Direction(near, far, open).run(), new Direction(far, near, open).run()]);
  } catch {
    // Either side is gone, and the other learns it by the close.
  }
}

/** One way of a connection: a reader that never waits for the writer but at the bounds, and a writer that waits for the time. */
class Direction {
  readonly #from: Deno.TcpConn;
  readonly #to: Deno.TcpConn;
  readonly #open: number;
  readonly #pieces: Piece[] = [];
  #inFlight = 0;
  #wakeReader: (() => void) | null = null;
  #wakeWriter: (() => void) | null = null;

  constructor(from: Deno.TcpConn, to: Deno.TcpConn, open: number) {
    this.#from = from;
    this.#to = to;
    this.#open = open;
  }

  async run(): Promise<void> {
    await Promise.all([this.#read(), this.#write()]);
  }

  async #read(): Promise<void> {
    let slab = new Uint8Array(SLAB);
    for (;;) {
      while (this.#inFlight >= MAX_IN_FLIGHT || this.#pieces.length >= MAX_PIECES) {
        await new Promise<void>((resolve) => this.#wakeReader = resolve);
      }
      if (slab.length < MIN_READ) slab = new Uint8Array(SLAB);
      const count = await this.#from.read(slab);
      const due = Math.max(performance.now(), this.#open) + delay;
      const bytes = count === null ? null : slab.subarray(0, count);
      this.#pieces.push({ due, bytes });
      this.#inFlight += count ?? 0;
      this.#wakeWriter?.();
      this.#wakeWriter = null;
      if (count === null) return;
      slab = slab.subarray(count);
    }
  }

  async #write(): Promise<void> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece === undefined) {
        await new Promise<void>((resolve) => this.#wakeWriter = resolve);
        continue;
      }
      const { due, bytes } = piece;
      const rest = due - performance.now();
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      if (bytes === null) return await this.#to.closeWrite();
      for (let sent = 0; sent < bytes.length;) sent += await this.#to.write(bytes.subarray(sent));
      this.#inFlight -= bytes.length;
      this.#wakeReader?.();
      this.#wakeReader = null;
    }
  }
}

const listener = Deno.listen({ hostname, port: listenPort });
console.log(listener.addr.port);
for await (const near of listener) link(near, performance.now() + 2 * delay);
