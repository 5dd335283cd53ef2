import { systemReason } from "../../../net/system_reason.ts";
import { Specimens } from "../../../mux/v8_memory.ts";
import type { FramedSocket } from "../../../websocket/framed_socket.ts";
import type { Certificate } from "../../tls/certificate_source.ts";
import { type Listener, type ListenerOptions, ListenError } from "../listener.ts";
import type { ListeningSocket, RemoteAddress } from "../visit.ts";
import { DateText } from "./answer_head.ts";
import {
  type ConnectionHost,
  type ConnectionTimeouts,
  VisitorConnection,
} from "./visitor_connection.ts";

/** Milliseconds between looks at what is waited for too long. */
const LOOK = 1_000;

/** Milliseconds before the next try to accept, when the system had no file descriptor left, and to listen at most. */
const TRY_AGAIN = 200;

/** Milliseconds before the first try to listen again: the port is free as soon as the system has closed the old socket. */
const REPLACE_AFTER = 1;

const TIMEOUTS: ConnectionTimeouts = { head: 15_000, idle: 75_000, stall: 60_000 };

/** Listens with plain sockets and speaks HTTP/1.1 itself, over TLS too. */
export class OwnListener implements Listener {
  readonly #options: ListenerOptions;
  readonly #shared: Omit<ConnectionHost, "peer" | "listeningSocket" | "isShut">;
  readonly #connections = new Set<VisitorConnection>();
  readonly #sockets = new Set<FramedSocket>();
  #socket: Socket;
  #port: number;
  #tls: Certificate | null;
  #isShut = false;
  #looking: ReturnType<typeof setInterval> | undefined;
  #onEmpty: () => void = () => {};

  /** Starts to listen. @throws {ListenError} when it cannot. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    const { handler, observers, log, hsts = null } = options;
    this.#shared = {
      handler,
      observers,
      log,
      hsts,
      timeouts: TIMEOUTS,
      stallTimeout: TIMEOUTS.stall,
      dates: new DateText(),
      specimens: new Specimens(),
      upgraded: (connection, socket) => this.#upgraded(connection, socket),
      closed: (connection) => this.#closed(connection),
    };
    try {
      this.#socket = this.#listen(options.port);
      this.#port = this.#socket.listener.addr.port;
    } catch (cause) {
      throw new ListenError(options, cause);
    }
  }

  get port(): number {
    return this.#port;
  }

  /** Also closes every WebSocket, once no request is in flight. */
  async shutdown(): Promise<void> {
    this.#isShut = true;
    const closing = close(this.#socket);
    for (const connection of this.#connections) if (connection.isIdle) connection.close();
    await closing;
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => this.#onEmpty = resolve);
    }
    for (const socket of this.#sockets) socket.terminate();
    clearInterval(this.#looking);
  }

  check(tls: Certificate): Promise<void> {
    try {
      openTLS({ hostname: "127.0.0.1", port: 0, reusePort: false }, tls).close();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Connections go on with the certificate that they came by. Where the port can be shared, the new socket is there before the
   * old one goes; else it follows within milliseconds.
   */
  renew(tls: Certificate): () => Promise<void> {
    if (this.#isShut) return () => Promise.resolve();
    this.#tls = tls;
    const old = this.#socket;
    if (this.#options.reusePort) this.#replace(REPLACE_AFTER);
    const closing = close(old);
    if (!this.#options.reusePort) this.#replace(REPLACE_AFTER);
    return () => closing;
  }

  /** Listens now, or as soon as the port is free; each try waits twice as long as the one before. */
  #replace(after: number): void {
    if (this.#isShut) return;
    try {
      this.#socket = this.#listen(this.#port);
    } catch (error) {
      if (after === TRY_AGAIN) {
        const reason = systemReason(error);
        this.#options.log.error("cannot listen", { port: this.#port, reason });
      }
      setTimeout(() => this.#replace(Math.min(2 * after, TRY_AGAIN)), after);
    }
  }

  #listen(port: number): Socket {
    const place = { hostname: this.#options.hostname, port, reusePort: this.#options.reusePort };
    const tls = this.#tls;
    const listener = tls === null ? Deno.listen(place) : openTLS(place, tls);
    const listening: ListeningSocket = {
      scheme: tls === null ? "http" : "https",
      isRetired: false,
    };
    const socket = { listener, isClosed: false, ended: Promise.resolve() };
    socket.ended = this.#acceptAll(socket, listening);
    return socket;
  }

  async #acceptAll(socket: Socket, listeningSocket: ListeningSocket): Promise<void> {
    let isShort = false;
    while (!socket.isClosed) {
      try {
        const connection = await socket.listener.accept();
        isShort = false;
        this.#accept(connection, listeningSocket);
      } catch (error) {
        if (socket.isClosed) return;
        // Those that are waiting go on waiting in the system's queue.
        if (!isShort) {
          this.#options.log.error("no connection can be accepted", { reason: systemReason(error) });
        }
        isShort = true;
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN));
      }
    }
  }

  #accept(connection: Deno.TcpConn | Deno.TlsConn, listeningSocket: ListeningSocket): void {
    if ("setNoDelay" in connection) connection.setNoDelay(true);
    const { remoteAddr } = connection;
    const peer: RemoteAddress = { hostname: remoteAddr.hostname, port: remoteAddr.port };
    const isShut = (): boolean => this.#isShut;
    const host: ConnectionHost = {
      ...this.#shared,
      peer,
      listeningSocket,
      get isShut() {
        return isShut();
      },
    };
    const visitor = new VisitorConnection(connection, host);
    this.#connections.add(visitor);
    this.#looking ??= setInterval(() => this.#look(), LOOK);
    visitor.start();
  }

  #upgraded(connection: VisitorConnection, socket: FramedSocket): void {
    this.#sockets.add(socket);
    socket.addEventListener("close", () => {
      this.#sockets.delete(socket);
      this.#rest();
    });
    this.#closed(connection);
  }

  #closed(connection: VisitorConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty();
    this.#rest();
  }

  /** Leaves no timer where nothing is looked at. */
  #rest(): void {
    if (this.#connections.size > 0 || this.#sockets.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.look(now);
    for (const socket of this.#sockets) socket.look(now);
  }
}

/** A socket that accepts connections. */
interface Socket {
  readonly listener: Deno.TcpListener | Deno.TlsListener;
  isClosed: boolean;
  /** Resolves when it is closed and accepts nothing any more. */
  ended: Promise<void>;
}

async function close(socket: Socket): Promise<void> {
  if (!socket.isClosed) {
    socket.isClosed = true;
    socket.listener.close();
  }
  await socket.ended;
}

/** Opens a listener for TLS, over which HTTP/1.1 alone is spoken. */
function openTLS(
  place: { readonly hostname: string; readonly port: number; readonly reusePort: boolean },
  { cert, key }: Certificate,
): Deno.TlsListener {
  return Deno.listenTls({ ...place, cert, key, alpnProtocols: ["http/1.1"] });
}
