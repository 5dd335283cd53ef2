import { Backoff } from "../net/backoff.ts";
import { messageOf } from "../cli/safe_text.ts";
import { waitAtMost } from "../net/with_timeout.ts";
import { RegistrationError } from "../wire/registration_error.ts";
import type { Registered } from "../wire/messages.ts";
import { ServerConnection, type ServerConnectionOptions } from "./server_connection.ts";

/** Milliseconds after a GOAWAY in which another connection is looked for without backing off: the next server is there soon, and visitors wait. */
const HAND_OVER = 5_000;

/** Milliseconds between two attempts in that time, at least and at most: of two processes that share a port, either may answer. */
const RETRY_AFTER = { least: 100, most: 300 } as const;

/** Milliseconds after its registration in which a connection that gets a GOAWAY, as the one before it did, is taken for a server that never stops doing so. */
const STEADY_AFTER = 10_000;

/** Streams after which a connection was of use, however short it was: its stream ids may be used up. */
const USEFUL_AFTER = 100;

/** Connections of one link that may serve on beside the new one: a restart while the one before it still finishes, and one to spare. */
const MAX_OUTGOING = 3;

/** What a link tells of its state. */
export interface ServerLinkEvents {
  /** A connection is registered: the first, or one that follows another. */
  onRegistered(registered: Registered): void;
  /** No connection is left, or none could be made; `isLast` says that it is not tried again. */
  onLost(reason: string, isLast: boolean): void;
}

/**
 * Keeps one connection to one server: dials, registers, and does so again whenever it is lost, for ever.
 *
 * When the server says GOAWAY, the next connection is made before the old one is left, which serves until the server
 * closes it. A server that says so again and again is dialled no faster than one that closes.
 */
export class ServerLink {
  readonly #options: ServerConnectionOptions;
  readonly #events: ServerLinkEvents;
  readonly #once: boolean;
  readonly #backoff = new Backoff();
  readonly #connections = new Set<ServerConnection>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #dialling = new AbortController();
  #isStopped = false;
  /** Whether one connection after the other gets a GOAWAY as soon as it is there. */
  #isRestless = false;
  /** The connection that still serves while its successor is looked for. */
  #outgoing: ServerConnection | null = null;
  /** Until when a successor is looked for without backing off, by `performance.now()`. */
  #handOverUntil = 0;

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
    let isSuccessor = false;
    while (!this.#isStopped) {
      let reason: string;
      let isHandedOver = false;
      try {
        const connection = await this.#connect();
        registered = true;
        const since = performance.now();
        reason = await connection.leaving;
        isHandedOver = connection.isOpen && !this.#once;
        const isYoung = performance.now() - since < STEADY_AFTER;
        const isOfNoUse = isYoung && connection.streams < USEFUL_AFTER;
        this.#isRestless = isHandedOver && isSuccessor && isOfNoUse;
        isSuccessor = isHandedOver;
        if (!this.#isRestless) this.#backoff.reset();
        if (isHandedOver) this.#handOver(connection);
      } catch (error) {
        if (error instanceof RegistrationError && error.permanent) throw error;
        reason = messageOf(error);
      }
      if (this.#isStopped) break;
      if (isHandedOver && !this.#isRestless) continue;
      if (this.#outgoing === null) this.#events.onLost(reason, this.#once);
      if (this.#once) break;
      await this.#pause();
    }
    // A draining connection still carries requests, which the caller must not cut.
    await Promise.all([...this.#connections].map((connection) => connection.closed));
    return registered;
  }

  /** Finishes what is in flight and ends `run`. */
  async stop(): Promise<void> {
    this.#dialNoMore();
    const connections = [...this.#connections];
    await Promise.all(connections.map((connection) => connection.drain("the client stops")));
  }

  /** Ends everything at once. */
  close(): void {
    this.#dialNoMore();
    for (const connection of [...this.#connections]) connection.close("the client stops");
  }

  #dialNoMore(): void {
    this.#isStopped = true;
    this.#stopped.resolve();
    this.#dialling.abort();
  }

  async #connect(): Promise<ServerConnection> {
    const connection = await ServerConnection.dial(this.#options, this.#dialling.signal);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    if (this.#isStopped) connection.close("the client stops");
    const registered = await connection.registered;
    this.#outgoing = null;
    this.#events.onRegistered(registered);
    return connection;
  }

  /** Looks for a successor while `connection` still serves; when that ends first, the link is lost until there is one. */
  #handOver(connection: ServerConnection): void {
    this.#outgoing = connection;
    this.#hurry();
    this.#leaveOldest();
    void connection.closed.then((reason) => {
      if (this.#outgoing !== connection || this.#isStopped) return;
      this.#outgoing = null;
      // The server took its time to finish; the successor comes now.
      this.#hurry();
      this.#events.onLost(reason, false);
    });
  }

  /** Looks for a successor without backing off for a while, unless the server sends every connection away at once. */
  #hurry(): void {
    this.#handOverUntil = this.#isRestless ? 0 : performance.now() + HAND_OVER;
  }

  /** Ends what has served on for longest, when too much does. */
  #leaveOldest(): void {
    const [oldest] = this.#connections;
    if (this.#connections.size > MAX_OUTGOING) oldest?.close("this client has newer connections");
  }

  /** Waits before the next attempt; the end of a connection that still serves ends the wait, but of no restless one. */
  async #pause(): Promise<void> {
    const { least, most } = RETRY_AFTER;
    const isHandOver = performance.now() < this.#handOverUntil;
    const wait = isHandOver ? least + Math.random() * (most - least) : this.#backoff.next();
    const outgoing = this.#isRestless ? undefined : this.#outgoing?.closed;
    await waitAtMost(
      wait,
      Promise.race([this.#stopped.promise, outgoing ?? this.#stopped.promise]),
    );
  }
}
