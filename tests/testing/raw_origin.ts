import { Acceptor } from "./acceptor.ts";

/** What an origin does with one connection; `index` counts connections from 0. */
export type Script = (peer: RawPeer, index: number) => Promise<void>;

/** The longest message a script may wait for, in bytes. */
const MAX_RECEIVED = 64 * 1024 * 1024;

/** An origin that speaks raw bytes, and so may break every rule; a failed script fails the test. */
export class RawOrigin implements AsyncDisposable {
  readonly #acceptor: Acceptor;
  readonly #scripts: Promise<void>[] = [];

  constructor(script: Script, hostname = "127.0.0.1", port = 0) {
    this.#acceptor = new Acceptor((socket, index) => {
      const peer = new RawPeer(socket, () => this.#acceptor.close(socket));
      const running = run(script, peer, index);
      this.#scripts.push(running);
      return running;
    }, { hostname, port });
  }

  get port(): number {
    return this.#acceptor.port;
  }

  /** Connections that were made so far. */
  get connections(): number {
    return this.#acceptor.count;
  }

  /** Waits for all scripts to end. */
  async finished(): Promise<void> {
    await Promise.all(this.#scripts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#acceptor[Symbol.asyncDispose]();
  }
}

/** One connection as the origin sees it; text stands for bytes, one Latin-1 character each. */
export class RawPeer {
  readonly #socket: Deno.TcpConn;
  /** Closes the connection, once. */
  readonly close: () => void;
  #received = "";

  constructor(socket: Deno.TcpConn, close: () => void) {
    this.#socket = socket;
    this.close = close;
  }

  /** Reads up to and with a text: a whole head, when none is named. */
  async until(text = "\r\n\r\n"): Promise<string> {
    let at = this.#received.indexOf(text);
    while (at === -1) {
      await this.#fill();
      at = this.#received.indexOf(text);
    }
    return this.#cut(at + text.length);
  }

  /** Reads so many bytes. */
  async take(size: number): Promise<string> {
    while (this.#received.length < size) await this.#fill();
    return this.#cut(size);
  }

  /** Reads and drops until the client closes. */
  async ended(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (await this.#socket.read(buffer) !== null);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }

  /** Reads until the client closes. */
  async rest(): Promise<string> {
    try {
      for (;;) await this.#fill();
    } catch (error) {
      const isEnd = error instanceof Deno.errors.UnexpectedEof ||
        error instanceof Deno.errors.ConnectionReset;
      if (!isEnd) throw error;
    }
    return this.#cut(this.#received.length);
  }

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string"
      ? Uint8Array.from(data, (char) => char.charCodeAt(0))
      : data;
    let sent = 0;
    while (sent < bytes.length) sent += await this.#socket.write(bytes.subarray(sent));
  }

  /** Ends what this side sends, and goes on receiving. */
  async closeWrite(): Promise<void> {
    await this.#socket.closeWrite();
  }

  async #fill(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const read = await this.#socket.read(buffer);
    if (read === null) throw new Deno.errors.UnexpectedEof(`after ${this.#received.slice(0, 200)}`);
    if (this.#received.length > MAX_RECEIVED) throw new RangeError("received too much");
    for (let at = 0; at < read; at += 8192) {
      this.#received += String.fromCharCode(...buffer.subarray(at, Math.min(read, at + 8192)));
    }
  }

  #cut(size: number): string {
    const text = this.#received.slice(0, size);
    this.#received = this.#received.slice(size);
    return text;
  }
}

/** Runs a script and closes its connection; that the client or the test's end interrupts one is no failure. */
async function run(script: Script, peer: RawPeer, index: number): Promise<void> {
  try {
    await script(peer, index);
  } catch (error) {
    if (!ENDS.some((end) => error instanceof end)) throw error;
  } finally {
    peer.close();
  }
}

const ENDS = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
  Deno.errors.UnexpectedEof,
];
