import type { ByteStream } from "../../../net/byte_stream.ts";
import { LINGER_TIMEOUT, MAX_DROPPED } from "../unwanted_body.ts";
import type { ConnectionInput } from "./connection_input.ts";

/**
 * The end of a connection whose visitor is to read what it was sent: to close at once would reset it where something is still
 * unread here, and the answer would be lost in the visitor's own buffers (RFC 9112 section 9.6).
 */
export class Ending {
  readonly #connection: ByteStream;
  readonly #input: ConnectionInput;
  readonly #close: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;
  #dropped = 0;

  /** `close` ends the connection at once. */
  constructor(connection: ByteStream, input: ConnectionInput, close: () => void) {
    this.#connection = connection;
    this.#input = input;
    this.#close = close;
  }

  /** Whether the connection ends soon, unless that is revoked. */
  get isNear(): boolean {
    return this.#timer !== undefined;
  }

  /** Ends the connection in a while. */
  draw(): void {
    this.#timer ??= setTimeout(this.#close, LINGER_TIMEOUT);
  }

  /** Lets the connection go on. */
  revoke(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Lets the visitor see the end behind its answer, and waits a while for the visitor's own. */
  begin(): void {
    this.revoke();
    this.draw();
    this.#connection.closeWrite().then(() => {
      this.#hasEnded = true;
      this.onInput();
    }, this.#close);
  }

  /** Drops what comes; before the visitor was shown the end, it stays where it is. */
  onInput(): void {
    if (!this.#hasEnded || this.#timer === undefined) return;
    const input = this.#input;
    this.#dropped += input.length;
    input.takeTo(input.end);
    if (input.hasEnded || this.#dropped > MAX_DROPPED) this.#close();
    else input.read();
  }
}
