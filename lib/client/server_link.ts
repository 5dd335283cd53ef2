import { Backoff } from "../backoff.ts";
import { messageOf } from "../error_text.ts";
import { within } from "../within.ts";
import { RegistrationError } from "../tunnel/registration_error.ts";
import type { Registered } from "../tunnel/registration.ts";
import { ServerConnection, type ServerConnectionOptions } from "./server_connection.ts";

/** What a link tells of its state. */
export interface ServerLinkEvents {
  onRegistered(registered: Registered): void;
  /** The connection was lost, or could not be made; `isLast` says that it is not tried again. */
  onLost(reason: string, isLast: boolean): void;
}

/** Keeps one connection to one server: dials, registers, and does so again whenever it is lost, for ever. */
export class ServerLink {
  readonly #options: ServerConnectionOptions;
  readonly #events: ServerLinkEvents;
  readonly #once: boolean;
  readonly #backoff = new Backoff();
  readonly #connections = new Set<ServerConnection>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #dialling = new AbortController();
  #isStopped = false;

  constructor(
    options: ServerConnectionOptions,
    events: ServerLinkEvents,
    { once }: { /** End with the first connection. */ readonly once: boolean },
  ) {
    this.#options = options;
    this.#events = events;
    this.#once = once;
  }

  /**
   * Runs until `stop`, or until the first connection ends when only one is wanted.
   *
   * @returns whether there was a registered connection.
   * @throws {RegistrationError} when the server refuses for good.
   */
  async run(): Promise<boolean> {
    let registered = false;
    while (!this.#isStopped) {
      let reason: string;
      try {
        const connection = await this.#connect();
        registered = true;
        reason = await connection.leaving;
      } catch (error) {
        if (error instanceof RegistrationError && error.permanent) throw error;
        reason = messageOf(error);
      }
      if (this.#isStopped) break;
      this.#events.onLost(reason, this.#once);
      if (this.#once) break;
      await within(this.#backoff.next(), this.#stopped.promise);
    }
    // What a draining connection still carries is not to be cut by whoever waits for the end.
    await Promise.all([...this.#connections].map((connection) => connection.closed));
    return registered;
  }

  /** Finishes what is in flight and ends `run`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve();
    this.#dialling.abort();
    const connections = [...this.#connections];
    await Promise.all(connections.map((connection) => connection.drain("the client stops")));
  }

  /** Ends everything at once. */
  close(): void {
    this.#isStopped = true;
    this.#stopped.resolve();
    this.#dialling.abort();
    for (const connection of [...this.#connections]) connection.close("the client stops");
  }

  async #connect(): Promise<ServerConnection> {
    const connection = await ServerConnection.dial(this.#options, this.#dialling.signal);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    if (this.#isStopped) connection.close("the client stops");
    const registered = await connection.registered;
    this.#backoff.reset();
    this.#events.onRegistered(registered);
    return connection;
  }
}
