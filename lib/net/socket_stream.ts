import type { Socket } from "node:net";
import type { ByteStream } from "./byte_stream.ts";

/** A socket of Node's, read on demand; one read at a time. */
export class SocketStream implements ByteStream {
  readonly #socket: Socket;
  #error: unknown = null;
  #hasEnded = false;
  #wake: (() => void) | null = null;

  readonly #onReadable = (): void => this.#wake?.();
  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#wake?.();
  };
  readonly #onError = (error: unknown): void => {
    this.#error = error;
    this.#wake?.();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", this.#onReadable);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
    socket.on("error", this.#onError);
  }

  /** Reads and hears no more, so that the socket can be used for something else. */
  letGo(): void {
    this.#socket.off("readable", this.#onReadable);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("close", this.#onEnd);
    this.#socket.off("error", this.#onError);
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const available = this.#socket.readableLength;
      if (available > 0) {
        const piece: Uint8Array | null = this.#socket.read(Math.min(available, into.length));
        if (piece !== null) {
          into.set(piece);
          return piece.length;
        }
      }
      if (this.#error !== null) throw this.#error;
      if (this.#hasEnded) return null;
      // Without data this asks the system for some.
      this.#socket.read(0);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}
