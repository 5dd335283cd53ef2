import { systemReason } from "../../../net/system_reason.ts";
import { Specimens } from "../../../mux/v8_memory.ts";
import type { Certificate } from "../../tls/certificate_source.ts";
import { USUAL_BOUNDS } from "../connection_bounds.ts";
import { type Listener, type ListenerOptions, ListenError } from "../listener.ts";
import type { ListeningSocket, RemoteAddress } from "../visit.ts";
import { type AcceptedConnection, AcceptingSocket, openTLS } from "./accepting_socket.ts";
import { DateText } from "./answer_head.ts";
import { ConnectionSet } from "./connection_set.ts";
import { readProxied } from "./proxied_connection.ts";
import type { ConnectionHost } from "./connection_host.ts";
import { VisitorConnection } from "./visitor_connection.ts";

/** Milliseconds before the first try to listen again: the port is free as soon as the system has closed the old socket. */
const REPLACE_AFTER = 1;

/** Milliseconds between tries to listen, at most. */
const LISTEN_AGAIN = 200;

/** Milliseconds in which visitors that ask all the time have asked once more, and were told that their connection ends. */
const LAST_REQUESTS = 500;

/** Milliseconds between looks whether they have. */
const LOOK_AGAIN = 5;

/** Listens with plain sockets and speaks HTTP/1.1 itself, over TLS too. */
export class OwnListener implements Listener {
  readonly renewsInPlace = true;
  readonly #options: ListenerOptions;
  readonly #shared: Omit<ConnectionHost, "peer" | "listeningSocket" | "isShut" | "isLeaving">;
  readonly #connections: ConnectionSet;
  #socket: AcceptingSocket;
  readonly #port: number;
  #tls: Certificate | null;
  #isShut = false;
  #isLeaving = false;

  /** Starts to listen. @throws {ListenError} when it cannot. */
  constructor(options: ListenerOptions) {
    const { handler, observers, log, hsts = null, bounds = USUAL_BOUNDS, connections } = options;
    this.#options = options;
    this.#tls = options.tls;
    this.#connections = new ConnectionSet(bounds);
    this.#shared = {
      handler,
      observers,
      log,
      hsts,
      bounds,
      stallTimeout: bounds.stallTimeout,
      dates: new DateText(),
      specimens: new Specimens(),
      ended: (why) => connections?.ended(why),
      upgraded: (connection, socket) => this.#connections.upgrade(connection, socket),
      closed: (connection) => this.#connections.delete(connection),
    };
    try {
      this.#socket = this.#listen(options.port);
      this.#port = this.#socket.port;
    } catch (cause) {
      throw new ListenError(options, cause);
    }
  }

  get port(): number {
    return this.#port;
  }

  /** Connections of visitors, but for WebSockets. */
  get open(): number {
    return this.#connections.size;
  }

  dismiss(): void {
    this.#isLeaving = true;
  }

  /**
   * Leaves new connections to other processes, and lets each that is here end with its next answer. Resolves when those
   * that ask all the time have gone; the others are ended then unless an answer is under way.
   */
  async stopAccepting(): Promise<void> {
    this.#isShut = true;
    await this.#socket.close();
    const end = performance.now() + LAST_REQUESTS;
    while (this.#connections.size > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
    this.#connections.closeIdle();
  }

  /** Also ends every WebSocket, once no request is in flight. */
  async shutdown(): Promise<void> {
    this.#isShut = true;
    const closing = this.#socket.close();
    this.#connections.closeUnasked();
    await closing;
    await this.#connections.empty();
    await this.#connections.closeSockets();
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
    const closing = old.close();
    if (!this.#options.reusePort) this.#replace(REPLACE_AFTER);
    return () => closing;
  }

  /** Listens now, or as soon as the port is free; each try waits twice as long as the one before. */
  #replace(after: number): void {
    if (this.#isShut) return;
    try {
      this.#socket = this.#listen(this.#port);
    } catch (error) {
      if (after === LISTEN_AGAIN) {
        const reason = systemReason(error);
        this.#options.log.error("cannot listen", { port: this.#port, reason });
      }
      setTimeout(() => this.#replace(Math.min(2 * after, LISTEN_AGAIN)), after);
    }
  }

  #listen(port: number): AcceptingSocket {
    const { hostname, reusePort, log } = this.#options;
    return new AcceptingSocket({ hostname, port, reusePort }, {
      tls: this.#tls,
      onConnection: (connection, socket) => this.#accept(connection, socket),
      room: () => this.#connections.room(),
      onShortage: () => this.#connections.makeRoom(),
      log,
    });
  }

  #accept(connection: AcceptedConnection, listeningSocket: ListeningSocket): void {
    const { hostname, port } = connection.remoteAddr;
    const { proxyProtocol = false } = this.#options;
    if (this.#refuses(connection, hostname)) return;
    if ("handshake" in connection) return void this.#awaitTLS(connection, listeningSocket);
    connection.setNoDelay(true);
    if (proxyProtocol && this.#shared.bounds.isProxy(hostname)) {
      void this.#awaitSource(connection, listeningSocket);
    } else this.#serve(connection, { listeningSocket, peer: { hostname, port } });
  }

  /** Closes a connection whose network has too many of them; tells whether it did. */
  #refuses(connection: AcceptedConnection, hostname: string): boolean {
    if (!this.#connections.isCrowded(hostname)) return false;
    this.#shared.ended("network");
    connection.close();
    return true;
  }

  /** Waits for what a trusted proxy says of whom it speaks for. */
  async #awaitSource(connection: Deno.TcpConn, listeningSocket: ListeningSocket): Promise<void> {
    const { hostname, port } = connection.remoteAddr;
    const leave = this.#connections.expect(hostname);
    try {
      const { source, early } = await readProxied(connection, this.#shared.bounds.headTimeout);
      const peer = source ?? { hostname, port };
      if (this.#isShut) connection.close();
      else if (!this.#refuses(connection, peer.hostname)) {
        this.#serve(connection, { listeningSocket, peer, early });
      }
    } catch {
      this.#shared.ended("malformed");
      closeQuietly(connection);
    } finally {
      leave();
    }
  }

  /**
   * Waits for TLS. Deno cannot close a connection before (its handshake goes on in a task of its own), so one that never comes
   * that far stays as long as its visitor likes, and counts until then.
   */
  async #awaitTLS(connection: Deno.TlsConn, listeningSocket: ListeningSocket): Promise<void> {
    const leave = this.#connections.expect(connection.remoteAddr.hostname);
    try {
      await connection.handshake();
      if (this.#isShut) connection.close();
      else {
        const { hostname, port } = connection.remoteAddr;
        this.#serve(connection, { listeningSocket, peer: { hostname, port } });
      }
    } catch {
      connection.close();
    } finally {
      leave();
    }
  }

  #serve(
    connection: AcceptedConnection,
    { listeningSocket, peer, early }: {
      readonly listeningSocket: ListeningSocket;
      readonly peer: RemoteAddress;
      readonly early?: Uint8Array;
    },
  ): void {
    const isShut = (): boolean => this.#isShut;
    const isLeaving = (): boolean => this.#isShut || this.#isLeaving;
    const host: ConnectionHost = {
      ...this.#shared,
      peer,
      listeningSocket,
      get isShut() {
        return isShut();
      },
      get isLeaving() {
        return isLeaving();
      },
    };
    const visitor = new VisitorConnection(connection, host, early);
    this.#connections.add(visitor, peer.hostname);
    visitor.start();
  }
}

/** Closes a connection that may be closed already. */
function closeQuietly(connection: AcceptedConnection): void {
  try {
    connection.close();
  } catch {
    // It was.
  }
}
