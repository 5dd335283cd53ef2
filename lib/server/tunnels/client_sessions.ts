import { ErrorCode } from "../../wire/errors.ts";
import type { Session, SessionOptions } from "../../mux/session.ts";
import { SUBPROTOCOL } from "../../wire/messages.ts";
import { WebSocketTransport } from "../../websocket/websocket_transport.ts";
import type { Log } from "../../cli/log.ts";
import { Tally } from "../../net/tally.ts";
import type { RegistrationPolicy } from "../access/registration_policy.ts";
import type { TunnelLimits } from "../access/request_policy.ts";
import { networkOf } from "../../net/ip_address.ts";
import type { RefusalNotices } from "./refusal_notices.ts";
import type { Registry } from "./registry.ts";
import type { ServerMetrics } from "../admin/server_metrics.ts";
import { ClientSession } from "./client_session.ts";

/** Connections that have not registered yet, in all: `Deno.upgradeWebSocket` reads a message of up to 64 MiB before anyone can refuse it, and has no option for less. */
const MAX_UNREGISTERED = 1000;

/** The same for one address, or one network of IPv6: clients behind one NAT register within milliseconds of each other and are out of the count again. */
const MAX_UNREGISTERED_PER_NETWORK = 100;

/** Seconds after which Deno itself closes a socket whose peer answers no WebSocket ping: the last resort for one that cannot be closed otherwise. */
const IDLE_TIMEOUT = 60;

/** Where a registered tunnel is found. */
export interface Address {
  readonly hostname: string;
  readonly url: string;
}

export interface ClientSessionsOptions extends SessionOptions {
  readonly registry: Registry;
  /** Decides who may connect. */
  readonly registrationPolicy: RegistrationPolicy;
  readonly tunnelLimits: TunnelLimits;
  /** Tells the clients which visitors were refused. */
  readonly notices: RefusalNotices;
  readonly metrics: ServerMetrics;
  readonly log: Log;
  /** Name and version, for the challenge. */
  readonly server: string;
  /** The server's own URL, which a client should have been given. */
  readonly url: string;
  /** Whether a client may mean this server by that URL. */
  readonly isAudience: (audience: string, connection: ClientConnection) => boolean;
  /** Says where the tunnel with an id or a name is found. */
  readonly addressOf: (label: string) => Address;
}

/** What is known of a client's connection before it has said anything. */
export interface ClientConnection {
  /** The client's address; when it came through a trusted proxy, what that says. */
  readonly address: string;
  /** The Host field of its upgrade request. */
  readonly host: string;
  /** Whether it came by a socket that another one has replaced. */
  readonly isRetired: boolean;
}

/** Accepts the WebSockets of clients, registers them and keeps their sessions. */
export class ClientSessions {
  readonly #options: ClientSessionsOptions;
  /** By the networks that they come from. */
  readonly #unregistered = new Tally<string>();
  readonly #sessions = new Set<Session>();
  #isClosed = false;
  /** How often all clients were asked to go elsewhere. */
  #goaways = 0;

  constructor(options: ClientSessionsOptions) {
    this.#options = options;
  }

  /** Returns why a connection is not accepted, or undefined: then `accept` may follow. */
  refusal(
    request: Request,
    { address, isRetired }: ClientConnection,
  ): { status: number; text: string } | undefined {
    if (request.headers.has("origin")) {
      return { status: 403, text: "A page in a browser cannot be a tunnel's client." };
    }
    if (!offers(request, SUBPROTOCOL)) {
      return { status: 400, text: `Clients speak the WebSocket subprotocol ${SUBPROTOCOL}.` };
    }
    const full = this.#unregistered.total >= MAX_UNREGISTERED ||
      this.#unregistered.count(networkOf(address)) >= MAX_UNREGISTERED_PER_NETWORK;
    if (full || this.#isClosed || isRetired) {
      return { status: 503, text: "No more clients are accepted now. Try again." };
    }
    return undefined;
  }

  /** Upgrades the request and begins the registration. */
  accept(request: Request, connection: ClientConnection): Response {
    const { response, socket } = Deno.upgradeWebSocket(request, {
      protocol: SUBPROTOCOL,
      idleTimeout: IDLE_TIMEOUT,
    });
    socket.binaryType = "arraybuffer";
    const leave = this.#enter(networkOf(connection.address));
    const goaways = this.#goaways;
    // A socket that fails before it opens says so by its close event alone.
    socket.addEventListener("close", leave);
    socket.addEventListener("open", () => {
      new ClientSession(new WebSocketTransport(socket), connection, {
        ...this.#options,
        onRegistered: (session) => {
          leave();
          this.#sessions.add(session);
          if (goaways !== this.#goaways) session.goAway("the server is being restarted");
        },
        onClose: (session) => {
          leave();
          this.#sessions.delete(session);
        },
      });
    });
    return response;
  }

  /** Sessions whose clients were asked to go elsewhere. */
  get leaving(): number {
    return this.#leaving().length;
  }

  /** Streams that these have. */
  get load(): number {
    return this.#leaving().reduce((load, session) => load + session.load, 0);
  }

  /** Whether some of these streams are from before that. */
  get finishing(): boolean {
    return this.#leaving().some((session) => session.finishing);
  }

  /** Takes no more clients, until it is reopened. */
  refuse(): void {
    this.#isClosed = true;
  }

  /** Accepts clients again. */
  reopen(): void {
    this.#isClosed = false;
  }

  /** Asks every client to go elsewhere, also those that register now; their sessions go on until they are drained. */
  goAway(reason: string): void {
    this.#goaways++;
    for (const session of this.#sessions) session.goAway(reason);
  }

  /** Opens no more streams in the sessions of these clients and resolves when none is left. */
  async drain(): Promise<void> {
    await Promise.all(this.#leaving().map((session) => session.drain("the server stops")));
  }

  /** Ends the sessions of these clients. */
  close(): void {
    for (const session of this.#leaving()) {
      session.close(ErrorCode.GoingAway, "the server stops");
    }
  }

  #leaving(): Session[] {
    return [...this.#sessions].filter((session) => session.leaving);
  }

  /** Counts an unregistered connection; what it returns uncounts it, once. */
  #enter(network: string): () => void {
    this.#unregistered.add(network);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#unregistered.remove(network);
    };
  }
}

function offers(request: Request, subprotocol: string): boolean {
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === subprotocol);
}
