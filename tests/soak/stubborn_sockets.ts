import { HANDSHAKE } from "../testing/websocket_frame.ts";

/** Bytes of one fragment. */
const FRAGMENT = 1_000_000;

/** Connections that are opened at the same time: a listener's queue is short. */
const AT_ONCE = 25;

export interface StubbornOptions {
  /** The port of this machine. */
  readonly port: number;
  readonly host: string;
  readonly target: string;
  /** Offered with the handshake. @default none */
  readonly protocol?: string;
  /** Fragments of the message that never ends, of a megabyte each. */
  readonly fragments: number;
}

/** WebSockets that begin a message which never ends, and answer no close frame and no ping. */
export class StubbornSockets implements Disposable {
  readonly #connections: Deno.TcpConn[] = [];
  /** Handshakes that were accepted. */
  accepted = 0;
  /** Of these, those that the server has ended. */
  ended = 0;

  /** Opens so many more; resolves when each has sent what it sends, or was refused. */
  async open(count: number, options: StubbornOptions): Promise<void> {
    for (let opened = 0; opened < count; opened += AT_ONCE) {
      const next = Math.min(AT_ONCE, count - opened);
      await Promise.all(Array.from({ length: next }, () => this.#openOne(options)));
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }

  async #openOne(options: StubbornOptions): Promise<void> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: options.port });
    await write(connection, new TextEncoder().encode(handshakeOf(options)));
    const buffer = new Uint8Array(64 * 1024);
    const length = await connection.read(buffer) ?? 0;
    const isAccepted = new TextDecoder().decode(buffer.subarray(0, length)).includes(" 101 ");
    if (!isAccepted) {
      connection.close();
      return;
    }
    this.#connections.push(connection);
    this.accepted++;
    void this.#watch(connection, buffer);
    for (let i = 0; i < options.fragments; i++) await write(connection, fragment(i === 0));
  }

  /** Reads what comes and does nothing about it. */
  async #watch(connection: Deno.TcpConn, buffer: Uint8Array): Promise<void> {
    try {
      while (await connection.read(buffer) !== null);
      this.ended++;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) this.ended++;
    }
  }
}

function handshakeOf({ host, target, protocol }: StubbornOptions): string {
  const offer = protocol === undefined ? [] : [["Sec-WebSocket-Protocol", protocol]];
  const lines = [["Host", host], ...HANDSHAKE, ...offer].map(([name, value]) =>
    `${name}: ${value}`
  );
  return [`GET ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** Writes a frame that others must follow (RFC 6455 section 5.4), masked with zeros. */
function fragment(isFirst: boolean): Uint8Array {
  const frame = new Uint8Array(14 + FRAGMENT);
  const view = new DataView(frame.buffer);
  view.setUint8(0, isFirst ? 2 : 0);
  view.setUint8(1, 0x80 | 127);
  view.setBigUint64(2, BigInt(FRAGMENT));
  return frame;
}

/** Writes all bytes, unless the server has ended the connection. */
async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) {
      sent += await connection.write(bytes.subarray(sent));
    }
  } catch (error) {
    const isOver = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.ConnectionReset;
    if (!isOver) throw error;
  }
}
