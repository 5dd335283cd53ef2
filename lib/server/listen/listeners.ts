import { type GracefulShutdownOptions, shutDownGracefully } from "./graceful_shutdown.ts";
import type { Certificate } from "../tls/certificate_source.ts";
import type { Listen, Listener, ListenerOptions } from "./listener.ts";
import type { VisitHandler } from "./visit.ts";
import type { ClientSessions } from "../tunnels/client_sessions.ts";

export interface ListenersOptions extends Omit<ListenerOptions, "handler"> {
  readonly listen: Listen;
  /** The port for clients alone; null for none. */
  readonly clientPort: number | null;
  /** Answers what comes by the public port. */
  readonly visitors: VisitHandler;
  /** Answers what comes by the port of the clients. */
  readonly clients: VisitHandler;
}

/** What is in flight when a listener is shut, and how it is brought to its end. */
export interface InFlight
  extends
    Omit<GracefulShutdownOptions, "isShared" | "stopAccepting" | "shutPublic" | "shutClients"> {
  readonly clientSessions: ClientSessions;
  /** Moves the links of other nodes to the new sockets, where `leaveNodes` would end them. */
  readonly moveNodes: GracefulShutdownOptions["leaveNodes"];
}

/** Where visitors and clients come in: one port for all, or one for each kind. */
export class Listeners {
  readonly #public: Listener;
  readonly #clients: Listener | null;
  readonly #isShared: boolean;
  #isShut = false;

  /** Starts to listen. @throws {ListenError} when it cannot; nothing is open then. */
  constructor({ listen, clientPort, visitors, clients, ...options }: ListenersOptions) {
    this.#isShared = options.reusePort;
    this.#public = listen({ ...options, handler: visitors });
    try {
      this.#clients = clientPort === null
        ? null
        : listen({ ...options, port: clientPort, handler: clients, observers: [] });
    } catch (error) {
      void this.#public.shutdown();
      throw error;
    }
  }

  /** The public port. */
  get port(): number {
    return this.#public.port;
  }

  /** The port for clients alone; null when they come by the public one. */
  get clientPort(): number | null {
    return this.#clients?.port ?? null;
  }

  /** Connections that visitors have, where the listener can tell. */
  get open(): number {
    return this.#public.open ?? 0;
  }

  /** Leaves the ports to the next process; resolves when everything in flight is finished, or had to be cut. */
  async shut(inFlight: InFlight): Promise<void> {
    const clients = this.#clients;
    this.#isShut = true;
    inFlight.clientSessions.refuse();
    // Where the port is not shared, a visitor that connects anew may be led to another node.
    if (!this.#isShared) this.#public.dismiss();
    await shutDownGracefully({
      ...inFlight,
      isShared: this.#isShared,
      stopAccepting: this.#isShared ? () => this.#public.stopAccepting?.() ?? null : () => null,
      shutPublic: () => this.#public.shutdown(),
      shutClients: clients === null ? null : () => clients.shutdown(),
    });
  }

  /**
   * Serves with another certificate. Sockets that can share a port take each other's place while both work, and nobody
   * notices; else it is a stop and a start in one process, and clients are away for a moment.
   *
   * @throws {Deno.errors.InvalidData | TypeError} for a certificate that cannot be used, before anything is done.
   */
  async renew(certificate: Certificate, inFlight: InFlight): Promise<void> {
    const { clientSessions, moveNodes } = inFlight;
    const clients = this.#clients;
    await this.#public.check(certificate);
    if (this.#public.renewsInPlace) {
      await Promise.all([this.#public.renew(certificate)(), clients?.renew(certificate)()]);
      return;
    }
    if (this.#isShared) {
      const shutPublic = this.#public.renew(certificate);
      const shutClients = clients?.renew(certificate) ?? null;
      await shutDownGracefully({
        ...inFlight,
        leaveNodes: moveNodes,
        isShared: true,
        stopAccepting: () => null,
        shutPublic,
        shutClients,
      });
      return;
    }
    clientSessions.refuse();
    const listeners = clients === null ? [this.#public] : [this.#public, clients];
    const replace = async (): Promise<void> => {
      const shut = listeners.map((listener) => listener.renew(certificate));
      if (!this.#isShut) clientSessions.reopen();
      await Promise.all(shut.map((each) => each()));
    };
    await shutDownGracefully({
      ...inFlight,
      // They come back like clients, once there is something to come to, and go on finding this one.
      leaveNodes: () => Promise.resolve(),
      isShared: false,
      stopAccepting: () => null,
      shutPublic: replace,
      shutClients: null,
    });
  }
}
