import { Backoff } from "../net/backoff.ts";
import { messageOf } from "../cli/safe_text.ts";
import { waitAtMost } from "../net/with_timeout.ts";
import { DialError } from "../websocket/dial_error.ts";
import { RegistrationError } from "../wire/registration_error.ts";
import type { Registered } from "../wire/messages.ts";
import { dialAdvice } from "./dial_advice.ts";
import { ServerConnection, type ServerConnectionOptions } from "./server_connection.ts";

/** Milliseconds after a GOAWAY in which a successor is dialled without backing off: the next server is there soon, and visitors wait. */
const HAND_OVER = 5_000;

/** Milliseconds between two attempts in that time, at least and at most: while an old and a new process share a port, either may answer. */
const HAND_OVER_WAIT = { least: 100, most: 300 } as const;

/** Milliseconds that a connection must last before its GOAWAY: a server that says it sooner, twice in a row, is taken for one that never stops. */
const STEADY_AFTER = 10_000;

/** Streams that make a connection useful, however short it was: its stream ids may be used up. */
const USEFUL_AFTER = 100;

/** Connections of one link that may serve on beside the new one: those of two restarts in a row, and one to spare. */
const MAX_OUTGOING = 3;

/** Hears of a link's state. */
export interface ServerLinkEvents {
  /** A connection is registered: the first, or one that follows another. */
  onRegistered(registered: Registered): void;
  /** The server asks for another connection, which this link does not make: it serves until the server closes this one. */
  onLeaving(reason: string): void;
  /**
   * No connection is left, or none could be made. `wait` is how many milliseconds later the link tries again, null when it
   * does not.
   */
  onLost(reason: string, wait: number | null): void;
}

/**
 * Keeps one connection to one server: dials and registers, and does both again whenever the connection is lost.
 *
 * After a GOAWAY the link makes the next connection while the old one still serves, which it does until the server closes
 * it. A server that says GOAWAY again and again is dialled no faster than one that closes the connection.
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
  /** Whether the server says GOAWAY to each connection as soon as it is made. */
  #isRestless = false;
  /** The connection that still serves while its successor is looked for. */
  #outgoing: ServerConnection | null = null;
  /** Until when a successor is dialled without backing off, in ms of `performance.now()`. */
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
   * @returns whether there was a registered connection, which with `once` did not end by a fault of either side.
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
        if (this.#once) {
          if (connection.isOpen && !this.#isStopped) this.#events.onLeaving(reason);
          const ending = await connection.closed;
          if (connection.isBroken) reason = ending;
          registered = !connection.isBroken;
        }
        isHandedOver = connection.isOpen;
        const isYoung = performance.now() - since < STEADY_AFTER;
        const isOfNoUse = isYoung && connection.streams < USEFUL_AFTER;
        this.#isRestless = isHandedOver && isSuccessor && isOfNoUse;
        isSuccessor = isHandedOver;
        if (!this.#isRestless) this.#backoff.reset();
        if (isHandedOver) this.#handOver(connection);
      } catch (error) {
        const isForGood = error instanceof RegistrationError && error.permanent;
        if (isForGood && !this.#options.wish.giveUp(error)) throw error;
        reason = error instanceof DialError
          ? dialAdvice(error, this.#options.server)
          : messageOf(error);
      }
      if (this.#isStopped) break;
      if (isHandedOver && !this.#isRestless) continue;
      const wait = this.#once ? null : this.#nextWait();
      if (this.#outgoing === null) this.#events.onLost(reason, wait);
      if (wait === null) break;
      await this.#pause(wait);
    }
    // Connections that drain still carry requests, which the caller must not cut.
    await Promise.all([...this.#connections].map((connection) => connection.closed));
    return registered;
  }

  /** Streams that its connections have open. */
  get load(): number {
    return [...this.#connections].reduce((load, connection) => load + connection.load, 0);
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

  /** Begins to look for a successor while `connection` still serves; when that ends first, the link is offline meanwhile. */
  #handOver(connection: ServerConnection): void {
    this.#outgoing = connection;
    this.#hurry();
    this.#leaveOldest();
    void connection.closed.then((reason) => {
      if (this.#outgoing !== connection || this.#isStopped) return;
      this.#outgoing = null;
      // The server may have taken long to finish; the successor is wanted now.
      this.#hurry();
      this.#events.onLost(reason, 0);
    });
  }

  /** Lets attempts follow each other without backing off for a while, unless the server is a restless one. */
  #hurry(): void {
    this.#handOverUntil = this.#isRestless ? 0 : performance.now() + HAND_OVER;
  }

  /** Closes the oldest connection when too many serve on. */
  #leaveOldest(): void {
    const [oldest] = this.#connections;
    if (this.#connections.size > MAX_OUTGOING) oldest?.close("this client has newer connections");
  }

  /** Returns the milliseconds before the next attempt. */
  #nextWait(): number {
    const { least, most } = HAND_OVER_WAIT;
    const isHandOver = performance.now() < this.#handOverUntil;
    return isHandOver ? least + Math.random() * (most - least) : this.#backoff.next();
  }

  /** Waits, but no longer than the old connection serves, unless the server is a restless one. */
  async #pause(wait: number): Promise<void> {
    const outgoing = this.#isRestless ? undefined : this.#outgoing?.closed;
    await waitAtMost(
      wait,
      Promise.race([this.#stopped.promise, outgoing ?? this.#stopped.promise]),
    );
  }
}
