import { networkOf } from "../../net/ip_address.ts";
import { Tally } from "../../net/tally.ts";
import { answerQuery, MAX_QUERY, type Zone } from "./dns_message.ts";

/** Connections at once: a challenge is looked up from some five places. */
const MAX_CONNECTIONS = 64;

/** Of these, connections of one address or IPv6 network. */
const MAX_OF_NETWORK = 8;

/** Milliseconds that a connection may last: a resolver asks at once, and what it asks is short. */
const LIFETIME = 5_000;

/** Queries over one connection (RFC 7766 section 6.2.1). */
const MAX_QUERIES = 16;

/** Bytes of the longest answer over TCP, which has a length of 16 bits (RFC 1035 section 4.2.2). */
const MAX_ANSWER = 65_535;

/** Answers DNS queries over TCP (RFC 7766), where no sender can be forged. */
export class DNSConnections {
  readonly #zoneFor: (query: Uint8Array) => Zone | Promise<Zone>;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #perNetwork = new Tally<string>();

  /** `zoneFor` returns the zone as it is when a query asks for it. */
  constructor(options: { readonly zoneFor: (query: Uint8Array) => Zone | Promise<Zone> }) {
    this.#zoneFor = options.zoneFor;
  }

  /** Accepts until the listener is closed; rejects when that fails. */
  async serve(listener: Deno.TcpListener): Promise<void> {
    for (;;) {
      const connection = await listener.accept();
      void this.#serve(connection);
    }
  }

  close(): void {
    for (const connection of this.#open) this.#end(connection);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const network = networkOf(connection.remoteAddr.hostname);
    const isFull = this.#open.size >= MAX_CONNECTIONS ||
      this.#perNetwork.count(network) >= MAX_OF_NETWORK;
    this.#open.add(connection);
    if (isFull) return this.#end(connection);
    const leave = this.#perNetwork.enter(network);
    const timer = setTimeout(() => this.#end(connection), LIFETIME);
    try {
      await this.#answer(connection);
    } catch {
      // It was cut, by its peer or by the timer.
    } finally {
      clearTimeout(timer);
      leave();
      this.#end(connection);
    }
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(2 + MAX_QUERY);
    for (let i = 0; i < MAX_QUERIES; i++) {
      if (!await fill(connection, buffer.subarray(0, 2))) return;
      const length = (buffer[0] ?? 0) << 8 | (buffer[1] ?? 0);
      if (length > MAX_QUERY) return;
      const query = buffer.subarray(2, 2 + length);
      if (!await fill(connection, query)) return;
      const answer = answerQuery(query, await this.#zoneFor(query), { most: MAX_ANSWER });
      if (answer === null) return;
      const message = Uint8Array.of(answer.length >> 8, answer.length & 0xff, ...answer);
      for (let at = 0; at < message.length;) at += await connection.write(message.subarray(at));
    }
  }

  #end(connection: Deno.TcpConn): void {
    if (!this.#open.delete(connection)) return;
    connection.close();
  }
}

/** Fills the buffer; false when the connection ends before. */
async function fill(connection: Deno.TcpConn, buffer: Uint8Array): Promise<boolean> {
  for (let at = 0; at < buffer.length;) {
    const count = await connection.read(buffer.subarray(at));
    if (count === null) return false;
    at += count;
  }
  return true;
}
