import { assert } from "@std/assert";
import type { ByteStream } from "../../lib/net/byte_stream.ts";
import { dialledTransport } from "../../lib/websocket/dialled_transport.ts";
import type { WebSocketTransport } from "../../lib/websocket/websocket_transport.ts";
import { dialWebSocket } from "../../lib/websocket/dial.ts";
import { type ClientFrame, takeFrames } from "../testing/client_frames.ts";
import { joined } from "../testing/frame_peer.ts";
import { TransportEnd } from "../testing/transport_end.ts";
import { within } from "../testing/within.ts";

const NONE = new Uint8Array(0);

/** Makes a transport over a stream that comes without a handshake. */
export function endOf(
  stream: ByteStream,
  early: Uint8Array = NONE,
): TransportEnd<WebSocketTransport> {
  return new TransportEnd(dialledTransport({ connection: stream, early }));
}

/** A real WebSocket server that sends back what it gets. */
export class EchoServer implements AsyncDisposable {
  readonly accepted: Promise<WebSocket>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closed = Promise.withResolvers<CloseEvent>();

  private constructor() {
    const { promise, resolve } = Promise.withResolvers<WebSocket>();
    this.accepted = promise;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "tunnel.v1" });
      socket.binaryType = "arraybuffer";
      socket.addEventListener("message", ({ data }) => socket.send(data));
      socket.addEventListener("close", (event) => this.#closed.resolve(event));
      socket.addEventListener("open", () => resolve(socket));
      return response;
    });
  }

  static start(): Promise<EchoServer> {
    return Promise.resolve(new EchoServer());
  }

  async dial(): Promise<TransportEnd<WebSocketTransport>> {
    const { connection, early } = await dialWebSocket(
      new URL(`http://127.0.0.1:${this.#server.addr.port}/`),
      { protocol: "tunnel.v1", timeout: 10_000, signal: new AbortController().signal },
    );
    return endOf(connection, early);
  }

  async closed(): Promise<Pick<CloseEvent, "code" | "reason" | "wasClean">> {
    const { code, reason, wasClean } = await within(this.#closed.promise, "the server's close");
    return { code, reason, wasClean };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.#server.shutdown(), "the server to stop");
  }
}

/** A transport and, at the other end of a TCP connection, a test that speaks bytes. */
export class Link implements AsyncDisposable {
  readonly near: TransportEnd<WebSocketTransport>;
  readonly far: Deno.TcpConn;
  /** Resolves when the near end has closed its connection. */
  readonly nearGone: Promise<void>;
  #isFarClosed = false;

  private constructor(near: Deno.TcpConn, far: Deno.TcpConn) {
    const gone = Promise.withResolvers<void>();
    this.nearGone = gone.promise;
    this.near = endOf({
      read: (buffer) => near.read(buffer),
      write: (bytes) => near.write(bytes),
      closeWrite: () => near.closeWrite(),
      close: () => {
        near.close();
        gone.resolve();
      },
    });
    this.far = far;
    const close = far.close.bind(far);
    far.close = () => {
      if (!this.#isFarClosed) close();
      this.#isFarClosed = true;
    };
  }

  static async open(): Promise<Link> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [near, far] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      listener.accept(),
    ]);
    return new Link(near, far);
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.far.write(bytes.subarray(at));
  }

  /** Reads whole frames until they are as wanted. */
  async received(isAll: (frames: readonly ClientFrame[]) => boolean): Promise<ClientFrame[]> {
    const frames: ClientFrame[] = [];
    const buffer = new Uint8Array(1_000_000);
    for (let left: Uint8Array = NONE;;) {
      const count = await within(this.far.read(buffer), "a frame");
      if (count === null) throw new Error("the connection ended");
      const taken = takeFrames(joined(left, buffer.subarray(0, count)));
      frames.push(...taken.frames);
      left = taken.rest;
      if (left.length === 0 && isAll(frames)) return frames;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.far.close();
    await within(this.nearGone, "the near end to close");
  }
}

/** A connection that takes and gives bytes when the test says so. */
export class HeldStream implements ByteStream {
  isClosed = false;
  /** Writes that were under way at the same time. */
  mostWrites = 0;
  #writes: PromiseWithResolvers<number>[] = [];
  #read: { buffer: Uint8Array; resolve: (count: number | null) => void } | null = null;

  read(buffer: Uint8Array): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    this.#read = { buffer, resolve };
    return promise;
  }

  write(_bytes: Uint8Array): Promise<number> {
    const write = Promise.withResolvers<number>();
    this.mostWrites = Math.max(this.mostWrites, this.#writes.push(write));
    return write.promise;
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.#read?.resolve(null);
  }

  take(count: number): void {
    this.#writes.shift()?.resolve(count);
  }

  fail(): void {
    this.#writes.shift()?.reject(new Deno.errors.BrokenPipe("gone"));
  }

  deliver(bytes: Uint8Array): void {
    const read = this.#read;
    assert(read !== null, "nobody reads");
    read.buffer.set(bytes);
    this.#read = null;
    read.resolve(bytes.length);
  }
}
