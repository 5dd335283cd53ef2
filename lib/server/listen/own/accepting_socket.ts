import { systemReason } from "../../../net/system_reason.ts";
import type { Log } from "../../../cli/log.ts";
import type { Certificate } from "../../tls/certificate_source.ts";
import type { ListeningSocket } from "../visit.ts";

/** Milliseconds before the next try to accept, when the system had no file descriptor left. */
const ACCEPT_AGAIN = 200;

/** Milliseconds before that where another connection was ended for it. */
const ROOM_IS_MADE = 1;

/** A connection as the system gives it. */
export type AcceptedConnection = Deno.TcpConn | Deno.TlsConn;

/** Where a socket listens. */
export interface Place {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort: boolean;
}

export interface AcceptingSocketOptions {
  readonly tls: Certificate | null;
  readonly onConnection: (connection: AcceptedConnection, socket: ListeningSocket) => void;
  /** Returns what is waited for before another connection is accepted; null for nothing. */
  readonly room: () => Promise<void> | null;
  /** The system had no file descriptor left for another connection; returns whether one will be free. */
  readonly onShortage: () => boolean;
  readonly log: Log;
}

/** A socket that accepts connections as long as there is room, and goes on when the system was short of something. */
export class AcceptingSocket {
  readonly #listener: Deno.TcpListener | Deno.TlsListener;
  readonly #options: AcceptingSocketOptions;
  readonly #listening: ListeningSocket;
  readonly #ended: Promise<void>;
  #isClosed = false;

  /** Listens. @throws {Deno.errors | TypeError} when it cannot, or the certificate is none. */
  constructor(place: Place, options: AcceptingSocketOptions) {
    const { tls } = options;
    this.#options = options;
    this.#listening = { scheme: tls === null ? "http" : "https", isRetired: false };
    this.#listener = tls === null ? Deno.listen({ ...place }) : openTLS(place, tls);
    this.#ended = this.#acceptAll();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Accepts nothing any more; resolves when the port is free. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#listener.close();
    }
    await this.#ended;
  }

  async #acceptAll(): Promise<void> {
    const { onConnection, room, onShortage, log } = this.#options;
    let isShort = false;
    while (!this.#isClosed) {
      try {
        const connection = await this.#listener.accept();
        isShort = false;
        onConnection(connection, this.#listening);
      } catch (error) {
        if (this.#isClosed) return;
        // Those that come meanwhile wait in the system's queue.
        if (!isShort) log.error("no connection can be accepted", { reason: systemReason(error) });
        isShort = true;
        const after = onShortage() ? ROOM_IS_MADE : ACCEPT_AGAIN;
        await new Promise((resolve) => setTimeout(resolve, after));
      }
      const waiting = room();
      if (waiting !== null) await waiting;
    }
  }
}

/** Opens a listener for TLS, over which HTTP/1.1 alone is spoken. */
export function openTLS(place: Place, { cert, key }: Certificate): Deno.TlsListener {
  return Deno.listenTls({ ...place, cert, key, alpnProtocols: ["http/1.1"] });
}
