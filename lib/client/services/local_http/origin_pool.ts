import { type ConnectionReader, OriginConnection } from "./origin_connection.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { type ExchangeOwner, OriginExchange } from "./origin_exchange.ts";
import type { OriginRequest } from "./origin_request.ts";
import type { UploadSource } from "./request_upload.ts";
import { MAX_STREAMS } from "../../../wire/limits.ts";
import { Specimens } from "../../../mux/v8_memory.ts";
import { authorityOf } from "../../../net/authority.ts";
import { TCPDialer } from "../../../net/dialer.ts";

/** Options of {@linkcode OriginPool}. */
export interface OriginPoolOptions {
  /** Where the origin listens: a name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /**
   * Idle connections kept at most.
   *
   * @default {1000}
   */
  readonly maxIdle?: number;
  /**
   * Milliseconds that an idle connection is kept.
   *
   * @default {4000}
   */
  readonly idleTimeout?: number;
  /**
   * Milliseconds that a connection may have been idle for a request that cannot be sent twice.
   *
   * @default {1000}
   */
  readonly freshTimeout?: number;
  /**
   * Milliseconds to wait for a connection.
   *
   * @default {10000}
   */
  readonly connectTimeout?: number;
  /**
   * Hears what was mended of an answer.
   *
   * @default does nothing
   */
  readonly onMended?: (faults: readonly string[]) => void;
}

/** Idle connections kept: as many as one connection to a server has streams, which may all end at once. */
const MAX_IDLE = MAX_STREAMS;

/** Milliseconds that an idle connection is kept: less than the 5 s after which common origins close. */
const MAX_IDLE_TIME = 4_000;

/** Milliseconds that a connection may have been idle for a request that cannot be sent twice: it is hardly being closed so soon. */
const FRESH_TIMEOUT = 1_000;

/** Milliseconds to wait for a connection: a local service that takes longer is stuck. */
const CONNECT_TIMEOUT = 10_000;

/** Idle connections are looked at so many times in `idleTimeout`, by one timer for all. */
const SWEEPS_PER_TIMEOUT = 8;

/**
 * Runs exchanges with one origin over connections that are kept and used again, the last used first.
 *
 * An exchange has a connection of its own, so that the streams of the sessions bound the connections in use.
 */
export class OriginPool {
  /** Host and port, as messages name them. */
  readonly #address: string;
  readonly #maxIdle: number;
  readonly #idleTimeout: number;
  readonly #freshTimeout: number;
  readonly #connectTimeout: number;
  readonly #onMended: (faults: readonly string[]) => void;
  /** Ordered by `idleSince`, because only its end is added to. */
  readonly #idle: OriginConnection[] = [];
  readonly #dialer: TCPDialer;
  readonly #connecting = new Map<OriginExchange, AbortController>();
  readonly #specimens = new Specimens();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  readonly #owner: ExchangeOwner = {
    release: (connection) => this.#release(connection),
    ended: (exchange) => this.#ended(exchange),
    retry: (exchange) => void this.#connect(exchange),
    mended: (faults) => this.#onMended(faults),
  };
  /** An idle connection has nothing to say: anything that comes, even a whole answer, makes it unfit. */
  readonly #watcher: ConnectionReader = {
    received: (connection) => this.#discard(connection),
    ended: (connection) => this.#discard(connection),
  };

  constructor(options: OriginPoolOptions) {
    this.#address = authorityOf(options);
    this.#dialer = new TCPDialer(options.host, options.port);
    this.#maxIdle = options.maxIdle ?? MAX_IDLE;
    this.#idleTimeout = options.idleTimeout ?? MAX_IDLE_TIME;
    this.#freshTimeout = options.freshTimeout ?? FRESH_TIMEOUT;
    this.#connectTimeout = options.connectTimeout ?? CONNECT_TIMEOUT;
    this.#onMended = options.onMended ?? (() => {});
  }

  /** Begins an exchange; its `response` is rejected, with an {@linkcode OriginError}, when there is none. */
  exchange(request: OriginRequest, body: UploadSource | null): OriginExchange {
    const exchange = new OriginExchange(request, body, this.#owner);
    if (this.#closed) {
      exchange.fail(new OriginError("aborted", "no exchange: the client is stopping"));
      return exchange;
    }
    const connection = this.#idleFor(exchange);
    if (connection === null) this.#connect(exchange);
    else exchange.run(connection);
    return exchange;
  }

  /** Closes idle connections now, and the others when their exchanges are over; begins no more exchanges. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.close();
    this.#stopTimer();
  }

  #idleFor(exchange: OriginExchange): OriginConnection | null {
    const connection = this.#idle.at(-1);
    if (connection === undefined) return null;
    const limit = exchange.replayable ? this.#idleTimeout : this.#freshTimeout;
    if (performance.now() - connection.idleSince > limit) return null;
    this.#idle.pop();
    return connection;
  }

  async #connect(exchange: OriginExchange): Promise<void> {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const waited = `no connection to ${this.#address} within ${this.#connectTimeout} ms`;
      exchange.fail(new OriginError("timeout", waited));
    }, this.#connectTimeout);
    this.#connecting.set(exchange, controller);
    try {
      const socket = await this.#dialer.connect(controller.signal);
      const connection = new OriginConnection(socket, this.#watcher);
      if (exchange.over) this.#release(connection);
      else exchange.run(connection);
    } catch (cause) {
      exchange.fail(this.#connectError(cause));
    } finally {
      clearTimeout(timer);
      this.#connecting.delete(exchange);
    }
  }

  #connectError(cause: unknown): OriginError {
    const refused = cause instanceof Deno.errors.ConnectionRefused;
    const reason = refused
      ? "nothing listens there"
      : cause instanceof Error
      ? cause.message
      : cause;
    const message = `no connection to ${this.#address}: ${reason}`;
    return new OriginError(refused ? "refused" : "unreachable", message, { cause });
  }

  #release(connection: OriginConnection): void {
    if (this.#closed || this.#idle.length >= this.#maxIdle) return connection.close();
    connection.rest(this.#watcher);
    this.#specimens.keep(connection);
    this.#idle.push(connection);
    this.#timer ??= setTimeout(this.#sweep, this.#idleTimeout / SWEEPS_PER_TIMEOUT);
  }

  #ended(exchange: OriginExchange): void {
    this.#connecting.get(exchange)?.abort();
    if (this.#idle.length === 0) this.#stopTimer();
  }

  #discard(connection: OriginConnection): void {
    connection.close();
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    if (this.#idle.length === 0) this.#stopTimer();
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const interval = this.#idleTimeout / SWEEPS_PER_TIMEOUT;
    // One that would be too old at the next look goes now.
    const oldest = performance.now() - this.#idleTimeout + interval;
    const kept = this.#idle.findIndex((connection) => connection.idleSince > oldest);
    const old = this.#idle.splice(0, kept === -1 ? this.#idle.length : kept);
    for (const connection of old) connection.close();
    if (this.#idle.length > 0) this.#timer = setTimeout(this.#sweep, interval);
  };

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
