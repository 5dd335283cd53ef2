import { Heartbeat } from "../mux/heartbeat.ts";
import type { SigningKey } from "../identity/key.ts";
import type { VisitorPolicy } from "../identity/visitor_policy.ts";
import type { ClientMark } from "../identity/client_mark.ts";
import type { Notice, RefusedVisitors, ServingClients } from "../wire/notice.ts";
import { waitAtMost } from "../net/with_timeout.ts";
import type { Service } from "./services/service.ts";
import type { ClientOptions } from "./options.ts";
import { NameWish } from "./name_wish.ts";
import { ServerLink, type ServerLinkEvents } from "./server_link.ts";

/** What the command line gives, with the key read, the password hashed and the service made. */
export interface TunnelClientOptions
  extends
    Pick<ClientOptions, "servers" | "connections" | "label" | "name" | "token" | "once">,
    Partial<Pick<ClientOptions, "proxies">> {
  /** Answers what visitors ask; it is closed with the client. */
  readonly service: Service;
  /** What the servers check of visitors. */
  readonly policy: VisitorPolicy;
  readonly key: SigningKey;
  /** What tells this client from others of its tunnel, by which they hear of each other. @default null */
  readonly mark?: ClientMark | null;
  /** Authorities in PEM that are trusted for the servers beside the usual ones. @default [] */
  readonly authorities?: readonly string[];
  /** The clock of its sessions, which all clients of a process may share. @default one of its own */
  readonly heartbeat?: Heartbeat;
}

/** Hears of a client's state; `server` is one of its servers. */
export interface TunnelClientEvents {
  /** The first connection to a server is registered, or the first after all were lost, or one that has another URL. */
  onOnline(server: string, url: string): void;
  /** A server asks for other connections, which the client does not make: it serves until the server closes these. */
  onLeaving?(server: string, reason: string): void;
  /**
   * The last connection to a server was lost, or the first could not be made. `wait` is how many milliseconds later the
   * client tries again, null when it does not.
   */
  onOffline(server: string, reason: string, wait: number | null): void;
  /** An offline server cannot be reached, for a reason that was not told yet. */
  onStillOffline?(server: string, reason: string, wait: number): void;
  /** The name that a server gave belongs to another key now; the tunnel goes on under its id. */
  onNameLost?(server: string, name: string): void;
  /** A server has refused visitors: so many since its last notice. */
  onNotice?(server: string, refused: readonly RefusedVisitors[]): void;
  /** Other clients serve the same tunnel at a server, or none does any more. */
  onSharing?(server: string, clients: ServingClients): void;
}

/** Milliseconds that streams in flight may take to finish when the client stops. */
export const DRAIN_TIMEOUT = 10_000;

/** Reasons told of one outage: why it began, what has been wrong since, and some more in case that changes. */
const MAX_REASONS = 8;

/** What is so until a server tells something else. */
const ALONE: ServingClients = { count: 1, different: 0 };

/** Keeps the tunnels of one service: several connections to each of several servers. */
export class TunnelClient {
  readonly #options: TunnelClientOptions;
  readonly #events: TunnelClientEvents;
  readonly #heartbeat: Heartbeat;
  readonly #links: ServerLink[] = [];

  constructor(options: TunnelClientOptions, events: TunnelClientEvents) {
    this.#options = options;
    this.#events = events;
    this.#heartbeat = options.heartbeat ?? new Heartbeat();
    for (const server of options.servers) this.#addServer(server);
  }

  /**
   * Runs until it is stopped, or with `once` until a connection ends.
   *
   * @returns whether it was ever registered, and with `once` that connection did not end by a fault of either side.
   * @throws {RegistrationError} when a server refuses for good; everything is closed then.
   */
  async run(): Promise<boolean> {
    const runs = this.#links.map((link) => link.run());
    try {
      const ended = this.#options.once ? [await Promise.race(runs)] : await Promise.all(runs);
      return ended.includes(true);
    } finally {
      this.close();
      await Promise.allSettled(runs);
    }
  }

  /** Exchanges that are under way. */
  get load(): number {
    return this.#links.reduce((load, link) => load + link.load, 0);
  }

  /** Takes no new streams, lets those in flight finish for at most ten seconds, and ends `run`. */
  async stop(): Promise<void> {
    await waitAtMost(DRAIN_TIMEOUT, Promise.all(this.#links.map((link) => link.stop())));
    this.close();
  }

  /** Ends everything at once. */
  close(): void {
    for (const link of this.#links) link.close();
    this.#options.service.close();
  }

  #addServer(server: string): void {
    const { service, key, label, name, policy, token, connections, once } = this.#options;
    const { authorities = [], proxies, mark = null } = this.#options;
    const state = new ServerState(server, this.#events);
    const wish = new NameWish(name ?? "", (lost) => state.onNameLost(lost));
    for (let connection = 0; connection < connections; connection++) {
      this.#links.push(
        new ServerLink(
          {
            server,
            proxy: proxies?.get(server) ?? null,
            authorities,
            key,
            label,
            wish,
            policy,
            token,
            connection,
            mark,
            heartbeat: this.#heartbeat,
            onNotice: (notice) => state.onNotice(notice),
            onStream: (stream, head) => void service.serve(stream, head),
          },
          state.linkEvents(),
          { once },
        ),
      );
    }
  }
}

/** Sums up a server's links: it is online while one of them is registered. */
class ServerState {
  readonly #server: string;
  readonly #events: TunnelClientEvents;
  #online = 0;
  /** Whether it was told that the server asks for other connections. */
  #isLeaving = false;
  #told: "nothing" | "online" | "offline" = "nothing";
  /** The clients that serve the tunnel there, as far as they were told of. */
  #clients = ALONE;
  /** The reasons that were told of the present outage, without numbers: some of those tell the time. */
  readonly #reasons = new Set<string>();

  constructor(server: string, events: TunnelClientEvents) {
    this.#server = server;
    this.#events = events;
  }

  onNameLost(name: string): void {
    this.#events.onNameLost?.(this.#server, name);
    // The next registration has another URL, which is to be told as the first one was.
    this.#told = "nothing";
  }

  /** Hears a Notice; of the clients each connection is told. */
  onNotice({ refused, clients }: Notice): void {
    if (refused.length > 0) this.#events.onNotice?.(this.#server, refused);
    if (clients === null) return;
    const { count, different } = this.#clients;
    if (clients.count === count && clients.different === different) return;
    this.#clients = clients;
    this.#events.onSharing?.(this.#server, clients);
  }

  /** Returns the events of one more link. */
  linkEvents(): ServerLinkEvents {
    let isUp = false;
    return {
      onRegistered: ({ urls }) => {
        // A new connection takes over before the old one is closed.
        if (!isUp) this.#online++;
        isUp = true;
        if (this.#told === "online") return;
        this.#told = "online";
        this.#reasons.clear();
        this.#events.onOnline(this.#server, urls[0] ?? this.#server);
      },
      onLeaving: (reason) => {
        if (this.#isLeaving) return;
        this.#isLeaving = true;
        this.#events.onLeaving?.(this.#server, reason);
      },
      onLost: (reason, wait) => {
        if (isUp) this.#online--;
        isUp = false;
        const kind = reason.replaceAll(/\d+/g, "");
        // After its last one the client ends, whatever its other connections do.
        if ((this.#online > 0 && wait !== null) || this.#reasons.has(kind)) return;
        if (this.#reasons.size === MAX_REASONS) return;
        this.#reasons.add(kind);
        // Who comes back is told anew.
        this.#clients = ALONE;
        const isStillOffline = this.#told === "offline";
        this.#told = "offline";
        if (!isStillOffline) this.#events.onOffline(this.#server, reason, wait);
        else if (wait !== null) this.#events.onStillOffline?.(this.#server, reason, wait);
      },
    };
  }
}
