import { ErrorCode, type SessionError } from "../tunnel/errors.ts";
import { FrameType } from "../tunnel/frame.ts";
import type { Heartbeat } from "../tunnel/heartbeat.ts";
import { MAX_STREAMS, REGISTRATION_TIMEOUT } from "../tunnel/limits.ts";
import { verifyClaim } from "../tunnel/claim.ts";
import { decodeRequest, encodeMessage, newChallenge } from "../tunnel/registration.ts";
import { RegistrationError } from "../tunnel/registration_error.ts";
import { Session, type SessionEvents } from "../tunnel/session.ts";
import { tunnelId } from "../tunnel/thumbprint.ts";
import { SUBPROTOCOL, WebSocketTransport } from "../tunnel/transport.ts";
import type { Log } from "../log.ts";
import { Member } from "./member.ts";
import type { Registry } from "./registry.ts";
import type { ServerMetrics } from "./server_metrics.ts";

/** Connections that have not registered yet, in all: each may hold a message of 64 MiB that Deno reads before anyone can refuse it (B24). */
const MAX_UNREGISTERED = 1000;

/** The same for one address: clients behind one NAT register within milliseconds of each other and are out of the count again. */
const MAX_UNREGISTERED_PER_ADDRESS = 100;

/** Seconds after which Deno itself closes a socket whose peer answers no WebSocket ping: the last resort for one that cannot be closed otherwise. */
const IDLE_TIMEOUT = 60;

/** Where a registered tunnel is found. */
export interface Address {
  readonly hostname: string;
  readonly url: string;
}

export interface SubscriptionsOptions {
  readonly registry: Registry;
  readonly heartbeat: Heartbeat;
  readonly metrics: ServerMetrics;
  readonly log: Log;
  /** Name and version, for the challenge. */
  readonly server: string;
  /** Milliseconds that a stream waits for its response head. */
  readonly headTimeout: number;
  /** The server's own URL, which a client should have been given. */
  readonly url: string;
  /** Whether a client may mean this server by that URL. */
  readonly isAudience: (audience: string, connection: ClientConnection) => boolean;
  /** Says where the tunnel of an id is found. */
  readonly addressOf: (id: string) => Address;
}

/** What is known of a client's connection before it has said anything. */
export interface ClientConnection {
  /** The peer's address. */
  readonly address: string;
  /** The Host field of its upgrade request. */
  readonly host: string;
}

/** Accepts the WebSockets of clients, registers them and keeps their sessions. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #unregistered = new Map<string, number>();
  readonly #sessions = new Set<Session>();
  #unregisteredTotal = 0;
  #draining = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Returns why a connection is not accepted, or undefined: then `accept` may follow. */
  refusal(
    request: Request,
    { address }: ClientConnection,
  ): { status: number; text: string } | undefined {
    if (request.headers.has("origin")) {
      return { status: 403, text: "A page in a browser cannot be a tunnel's client." };
    }
    if (!offers(request, SUBPROTOCOL)) {
      return { status: 400, text: `Clients speak the WebSocket subprotocol ${SUBPROTOCOL}.` };
    }
    const fromAddress = this.#unregistered.get(address) ?? 0;
    const full = this.#unregisteredTotal >= MAX_UNREGISTERED ||
      fromAddress >= MAX_UNREGISTERED_PER_ADDRESS;
    if (full || this.#draining) {
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
    const leave = this.#enter(connection.address);
    // A socket that fails before it opens says so by its close event alone.
    socket.addEventListener("close", leave);
    socket.addEventListener("open", () => {
      new Subscription(new WebSocketTransport(socket), connection, {
        ...this.#options,
        onRegistered: (session) => {
          leave();
          this.#sessions.add(session);
          if (this.#draining) void session.drain("the server stops");
        },
        onClose: (session) => {
          leave();
          this.#sessions.delete(session);
        },
      });
    });
    return response;
  }

  /** Asks every client to go elsewhere and resolves when no stream is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#sessions].map((session) => session.drain("the server stops")));
  }

  /** Accepts clients again. */
  reopen(): void {
    this.#draining = false;
  }

  /** Ends every session. */
  close(): void {
    for (const session of [...this.#sessions]) {
      session.close(ErrorCode.GoingAway, "the server stops");
    }
  }

  /** Counts an unregistered connection; what it returns uncounts it, once. */
  #enter(address: string): () => void {
    this.#unregisteredTotal++;
    this.#unregistered.set(address, (this.#unregistered.get(address) ?? 0) + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#unregisteredTotal--;
      const rest = (this.#unregistered.get(address) ?? 1) - 1;
      if (rest === 0) this.#unregistered.delete(address);
      else this.#unregistered.set(address, rest);
    };
  }
}

interface SubscriptionOptions extends SubscriptionsOptions {
  readonly onRegistered: (session: Session) => void;
  readonly onClose: (session: Session) => void;
}

/** One client's connection, from the challenge to its end. */
class Subscription implements SessionEvents {
  readonly onStream = null;
  readonly #options: SubscriptionOptions;
  readonly #connection: ClientConnection;
  readonly #session: Session;
  readonly #challenge;
  readonly #timer: ReturnType<typeof setTimeout>;
  #log: Log;
  #asked = false;
  #member: Member | null = null;
  #ended = false;

  constructor(
    transport: WebSocketTransport,
    connection: ClientConnection,
    options: SubscriptionOptions,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#log = options.log.with({ client: connection.address });
    this.#session = new Session(transport, this, options);
    this.#challenge = newChallenge(options.server, MAX_STREAMS);
    this.#session.sendRegistration(
      FrameType.RegistrationChallenge,
      encodeMessage(this.#challenge),
    );
    this.#timer = setTimeout(
      () =>
        this.#refuse(
          new RegistrationError(
            "timeout",
            `no registration came within ${REGISTRATION_TIMEOUT / 1000} s`,
            false,
          ),
        ),
      REGISTRATION_TIMEOUT,
    );
  }

  onRegistration(type: number, payload: Uint8Array): void {
    if (type !== FrameType.RegistrationRequest || this.#asked) {
      this.#refuse(new RegistrationError("malformed", "one RegistrationRequest was expected"));
      return;
    }
    this.#asked = true;
    this.#register(payload).catch((error) => this.#refuse(error));
  }

  onDrain(): void {
    this.#log.debug("client drains");
  }

  onClose(error: SessionError): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    if (this.#member !== null) {
      this.#options.registry.remove(this.#member);
      this.#log.info("client left", { reason: error.message });
    } else {
      this.#log.debug("unregistered connection ended", { reason: error.message });
    }
    this.#options.onClose(this.#session);
  }

  onTraffic(received: number, sent: number): void {
    this.#options.metrics.received.inc(received);
    this.#options.metrics.sent.inc(sent);
    if (this.#member === null) return;
    this.#member.received += received;
    this.#member.sent += sent;
  }

  async #register(payload: Uint8Array): Promise<void> {
    const claim = await verifyClaim(decodeRequest(payload), {
      nonce: this.#challenge.nonce,
      isAudience: (audience) => this.#options.isAudience(audience, this.#connection),
    });
    const id = await tunnelId(claim.thumbprint, claim.label);
    if (this.#ended) return;
    const { hostname, url } = this.#options.addressOf(id);
    const member = new Member({
      session: this.#session,
      id,
      thumbprint: claim.thumbprint,
      hostnames: [hostname],
      address: this.#connection.address,
    });
    this.#options.registry.add(member);
    clearTimeout(this.#timer);
    this.#member = member;
    this.#session.establish();
    this.#session.sendRegistration(
      FrameType.RegistrationResponse,
      encodeMessage({ id, hostnames: member.hostnames, urls: [url] }),
    );
    this.#log = this.#log.with({ tunnel: id });
    this.#log.info("client registered", { url, connection: claim.connection });
    this.#options.onRegistered(this.#session);
  }

  #refuse(error: unknown): void {
    if (this.#ended) return;
    const refusal = error instanceof RegistrationError
      ? error
      : new RegistrationError("try_again", "an internal error", false, { cause: error });
    this.#options.metrics.refused.labels(refusal.code).inc();
    this.#log.warn("registration refused", { code: refusal.code, reason: refusal.message });
    const { code, permanent } = refusal;
    const message = code === "wrong_audience"
      ? `${refusal.message}; it is ${this.#options.url}`
      : refusal.message;
    this.#session.sendRegistration(
      FrameType.RegistrationResponse,
      encodeMessage({ error: { code, message, permanent } }),
    );
    this.#session.close(ErrorCode.Unregistered, message);
  }
}

function offers(request: Request, subprotocol: string): boolean {
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === subprotocol);
}
