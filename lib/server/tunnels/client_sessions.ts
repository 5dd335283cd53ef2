import { ErrorCode } from "../../wire/errors.ts";
import type { Session } from "../../mux/session.ts";
import { MAX_TRANSPORT_MESSAGE } from "../../wire/limits.ts";
import { SUBPROTOCOL } from "../../wire/messages.ts";
import { WebSocketTransport } from "../../websocket/websocket_transport.ts";
import { Tally } from "../../net/tally.ts";
import { fieldValue } from "../../http/fields.ts";
import { networkOf } from "../../net/ip_address.ts";
import { type Answer, SWITCHING_PROTOCOLS, type Visit } from "../listen/visit.ts";
import { ClientSession, type ClientSessionContext } from "./client_session.ts";
import type { VisitRefusal } from "./upstream.ts";

/**
 * Connections that have not registered, in all, until they are closed. `Deno.upgradeWebSocket` takes in up to 64 MiB in
 * one frame before anyone can refuse it, and has no option for less: of so many that are 4 GiB.
 */
const MAX_UNREGISTERED = 64;

/** The same for one address, or one network of IPv6: clients behind one NAT register within milliseconds of each other, and those that find no room come again. */
const MAX_UNREGISTERED_PER_NETWORK = 16;

/** Bytes of a message before the registration, where the socket can be told: a claim has a few thousand at most. */
const MAX_UNREGISTERED_MESSAGE = 16 * 1024;

/** Accepts the WebSockets of clients, registers them and keeps their sessions. */
export class ClientSessions {
  readonly #context: ClientSessionContext;
  /** By the networks that they come from. */
  readonly #unregistered = new Tally<string>();
  readonly #sessions = new Set<Session>();
  /** Registrations that are looked at, which goes on when their connections end meanwhile. */
  readonly #registrations = new Set<Promise<void>>();
  #isClosed = false;
  /** How often all clients were asked to go elsewhere. */
  #goaways = 0;

  constructor(context: ClientSessionContext) {
    this.#context = context;
  }

  /**
   * Says why the connection of a visit that offers these subprotocols is not accepted, and null when it is: then
   * `accept` may follow.
   */
  refusal(
    { fields, address, listeningSocket }: Visit,
    protocols: readonly string[],
  ): VisitRefusal | null {
    if (fieldValue(fields, "origin") !== undefined) return BROWSER;
    if (!protocols.includes(SUBPROTOCOL)) return NO_SUBPROTOCOL;
    const full = this.#unregistered.total >= MAX_UNREGISTERED ||
      this.#unregistered.count(networkOf(address)) >= MAX_UNREGISTERED_PER_NETWORK;
    return full || this.#isClosed || listeningSocket.isRetired ? NO_MORE : null;
  }

  /** Upgrades the visit and begins the registration. */
  accept(visit: Visit): Answer {
    const { address } = visit;
    const socket = visit.accept({
      protocol: SUBPROTOCOL,
      // The session ends what does not register, and its own pings find a dead client: Deno's cost a timer for each message.
      idleTimeout: 0,
      onOpen: () => {
        const connection = { address, host: visit.host ?? "" };
        new ClientSession(new WebSocketTransport(socket), connection, {
          ...this.#context,
          onAsked: (registration) => {
            this.#registrations.add(registration);
            void registration.then(() => this.#registrations.delete(registration));
          },
          onRegistered: (session) => {
            leave();
            socket.limit?.(MAX_TRANSPORT_MESSAGE);
            this.#sessions.add(session);
            if (goaways !== this.#goaways) session.goAway("the server is being restarted");
          },
          onClose: (session) => void this.#sessions.delete(session),
        });
      },
    });
    socket.limit?.(MAX_UNREGISTERED_MESSAGE);
    const leave = this.#unregistered.enter(networkOf(address));
    const goaways = this.#goaways;
    // A session ends before its socket does, and only the end of the socket gives back what it holds.
    socket.addEventListener("close", leave);
    return SWITCHING_PROTOCOLS;
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

  /** Resolves when no registration is looked at any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#registrations);
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
}

const BROWSER: VisitRefusal = {
  code: "client",
  status: 403,
  reason: "a page in a browser cannot be a tunnel's client",
};

const NO_SUBPROTOCOL: VisitRefusal = {
  code: "client",
  status: 400,
  reason: `clients speak the WebSocket subprotocol ${SUBPROTOCOL}`,
};

const NO_MORE: VisitRefusal = {
  code: "client",
  status: 503,
  reason: "no more clients are accepted now. Try again",
};
