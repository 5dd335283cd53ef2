import { Specimens } from "../../../mux/v8_memory.ts";
import type { ConnectionReader, OriginConnection } from "./origin_connection.ts";

/** Options of {@linkcode IdleConnections}. */
export interface IdleConnectionsOptions {
  /** Connections kept at most. */
  readonly most: number;
  /** Milliseconds that one is kept. */
  readonly timeout: number;
  /** Milliseconds that one rests on which bytes may still come that belong to no answer. */
  readonly restTime: number;
}

/** Hears what an origin does with connections that nothing was asked on. */
export interface IdleConnectionsEvents {
  /** It has closed one, after so many milliseconds. */
  closed(idleTime: number): void;
  /** It has sent bytes on one, which is closed now. */
  spoke(connection: OriginConnection): void;
}

/** Connections are looked at so many times in their timeout, by one timer for all. */
const SWEEPS_PER_TIMEOUT = 8;

/** Connections that rest at once: with more, an origin of few workers would have none left for requests. */
const MAX_RESTING = 100;

/** Keeps connections that wait for the next exchange, with a read on each that sees what the origin does. */
export class IdleConnections {
  readonly #options: IdleConnectionsOptions;
  readonly #events: IdleConnectionsEvents;
  // Both are ordered by `idleSince`, because only their ends are added to.
  readonly #ready: OriginConnection[] = [];
  readonly #resting: OriginConnection[] = [];
  readonly #specimens = new Specimens();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** An idle connection has nothing to say: anything that comes, even a whole answer, makes it unfit. */
  readonly #watcher: ConnectionReader = {
    received: (connection) => {
      this.#discard(connection);
      this.#events.spoke(connection);
    },
    ended: (connection) => {
      this.#discard(connection);
      this.#events.closed(performance.now() - connection.idleSince);
    },
  };

  constructor(options: IdleConnectionsOptions, events: IdleConnectionsEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** How long the one that waits longest has been idle, in ms; 0 without any. */
  get longest(): number {
    const [first] = this.#ready;
    return first === undefined ? 0 : performance.now() - first.idleSince;
  }

  /** Takes the connection that was used last, unless it was idle for `limit` ms or longer. */
  take(limit: number): OriginConnection | null {
    const now = performance.now();
    const last = this.#ready.at(-1);
    if (last === undefined) return this.#takeRested(limit, now);
    const idleTime = now - last.idleSince;
    if (idleTime >= limit) return null;
    this.#ready.pop();
    last.idleTime = idleTime;
    return last;
  }

  /** Keeps a connection for the next exchange, or closes it when there are enough. */
  keep(connection: OriginConnection): void {
    this.#add(connection, this.#ready, this.#options.most);
  }

  /** Keeps a connection likewise, for exchanges that begin when nothing has come on it for a while. */
  rest(connection: OriginConnection): void {
    this.#add(connection, this.#resting, MAX_RESTING);
  }

  /** Closes all, and tells whether there were any. */
  closeAll(): boolean {
    const all = [...this.#ready.splice(0), ...this.#resting.splice(0)];
    for (const connection of all) connection.close();
    this.#stopTimer();
    return all.length > 0;
  }

  #takeRested(limit: number, now: number): OriginConnection | null {
    const [first] = this.#resting;
    if (first === undefined) return null;
    const idleTime = now - first.idleSince;
    if (idleTime < this.#options.restTime || idleTime >= limit) return null;
    this.#resting.shift();
    first.idleTime = idleTime;
    return first;
  }

  #add(connection: OriginConnection, list: OriginConnection[], most: number): void {
    if (list.length >= most) return connection.close();
    connection.rest(this.#watcher);
    this.#specimens.keep(connection);
    list.push(connection);
    this.#timer ??= setTimeout(this.#sweep, this.#options.timeout / SWEEPS_PER_TIMEOUT);
  }

  #discard(connection: OriginConnection): void {
    connection.close();
    for (const list of [this.#ready, this.#resting]) {
      const index = list.indexOf(connection);
      if (index !== -1) list.splice(index, 1);
    }
    this.#stopTimer();
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const interval = this.#options.timeout / SWEEPS_PER_TIMEOUT;
    // One that would be too old at the next look goes now.
    const oldest = performance.now() - this.#options.timeout + interval;
    for (const list of [this.#ready, this.#resting]) {
      const kept = list.findIndex((connection) => connection.idleSince > oldest);
      const old = list.splice(0, kept === -1 ? list.length : kept);
      for (const connection of old) connection.close();
    }
    if (!this.#isEmpty) this.#timer = setTimeout(this.#sweep, interval);
  };

  get #isEmpty(): boolean {
    return this.#ready.length === 0 && this.#resting.length === 0;
  }

  /** Without connections no timer runs. */
  #stopTimer(): void {
    if (!this.#isEmpty) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
