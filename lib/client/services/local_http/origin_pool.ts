import { IdleConnections } from "./idle_connections.ts";
import { OriginConnection } from "./origin_connection.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { type ExchangeOwner, OriginExchange } from "./origin_exchange.ts";
import { OriginHabits } from "./origin_habits.ts";
import type { OriginRequest } from "./origin_request.ts";
import { latin1 } from "../../../http/octets.ts";
import type { UploadSource } from "./request_upload.ts";
import { MAX_STREAMS } from "../../../wire/limits.ts";
import type { Dialer } from "../../../net/dialer.ts";
import { systemCode, systemReason } from "../../../net/system_reason.ts";
import { TLSError } from "../../../net/tls_handshake.ts";
import { UnansweredExchanges } from "./unanswered_exchanges.ts";

/** Options of {@linkcode OriginPool}. */
export interface OriginPoolOptions {
  /** Where the origin listens, as messages name it. */
  readonly address: string;
  /** Makes connections to it. */
  readonly dialer: Dialer;
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
   * Milliseconds that a connection rests after an answer without a body, behind which an origin may send one.
   *
   * @default {1000}
   */
  readonly restTime?: number;
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
  /**
   * Hears that the origin asks to log in a connection.
   *
   * @default does nothing
   */
  readonly onLogin?: () => void;
}

/** Idle connections kept: as many as one connection to a server has streams, which may all end at once. */
const MAX_IDLE = MAX_STREAMS;

/** Milliseconds that an idle connection is kept: less than the 5 s after which common origins close. */
const MAX_IDLE_TIME = 4_000;

/** Milliseconds that a connection may have been idle for a request that cannot be sent twice: it is hardly being closed so soon. */
const FRESH_TIMEOUT = 1_000;

/** Milliseconds that a connection rests after an answer without a body: one that comes all the same comes with it or soon. */
const REST_TIME = 1_000;

/** Milliseconds to wait for a connection: a local service that takes longer is stuck. */
const CONNECT_TIMEOUT = 10_000;

/**
 * Runs exchanges with one origin over connections that are kept and used again, the last used first.
 *
 * An exchange has a connection of its own, so that the streams of the sessions bound the connections in use.
 */
export class OriginPool {
  readonly #address: string;
  readonly #idleTimeout: number;
  readonly #freshTimeout: number;
  readonly #connectTimeout: number;
  readonly #onMended: (faults: readonly string[]) => void;
  readonly #idle: IdleConnections;
  readonly #habits = new OriginHabits();
  readonly #unanswered = new UnansweredExchanges<OriginExchange>(() => this.#idle.closeAll());
  readonly #dialer: Dialer;
  readonly #connecting = new Map<OriginExchange, AbortController>();
  #closed = false;
  readonly #owner: ExchangeOwner;

  constructor(options: OriginPoolOptions) {
    const { onMended = () => {}, onLogin = () => {} } = options;
    this.#address = options.address;
    this.#dialer = options.dialer;
    this.#idleTimeout = options.idleTimeout ?? MAX_IDLE_TIME;
    this.#freshTimeout = options.freshTimeout ?? FRESH_TIMEOUT;
    this.#connectTimeout = options.connectTimeout ?? CONNECT_TIMEOUT;
    this.#onMended = onMended;
    this.#idle = new IdleConnections({
      most: options.maxIdle ?? MAX_IDLE,
      timeout: this.#idleTimeout,
      restTime: options.restTime ?? REST_TIME,
    }, {
      closed: (idleTime) => this.#habits.closed(idleTime),
      spoke: (connection) => this.#spoke(connection),
    });
    this.#owner = {
      release: (connection, mayHaveMore) => this.#release(connection, mayHaveMore),
      begun: (exchange) => this.#unanswered.begun(exchange),
      died: (connection) => this.#habits.closed(connection.idleTime),
      spoke: (connection) => this.#spoke(connection),
      loggedIn: onLogin,
      mended: onMended,
      ended: (exchange) => this.#ended(exchange),
      retry: (exchange) => void this.#connect(exchange),
    };
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
    this.#idle.closeAll();
  }

  #idleFor({ replayable, isHandshake }: OriginExchange): OriginConnection | null {
    if (isHandshake) return null;
    if (replayable) return this.#idle.take(this.#idleTimeout);
    if (this.#habits.safeIdleTime === 0) this.#habits.isStillOpen(this.#idle.longest);
    return this.#idle.take(Math.min(this.#freshTimeout, this.#habits.safeIdleTime));
  }

  async #connect(exchange: OriginExchange): Promise<void> {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const waited = `no connection to ${this.#address} within ${this.#connectTimeout} ms`;
      exchange.fail(new OriginError("timeout", waited));
    }, this.#connectTimeout);
    this.#connecting.set(exchange, controller);
    this.#unanswered.add(exchange);
    try {
      const socket = await this.#dialer.connect(controller.signal);
      const connection = new OriginConnection(socket, exchange);
      if (exchange.over) this.#release(connection, false);
      else exchange.run(connection);
    } catch (cause) {
      exchange.fail(this.#connectError(cause));
    } finally {
      clearTimeout(timer);
      this.#connecting.delete(exchange);
    }
  }

  #connectError(cause: unknown): OriginError {
    const isTLS = cause instanceof TLSError;
    const reason = isTLS ? cause.message : systemReason(cause);
    const message = `no connection to ${this.#address}: ${reason}`;
    const isRefused = systemCode(cause) === "ECONNREFUSED";
    return new OriginError(isTLS ? "tls" : isRefused ? "refused" : "unreachable", message, {
      cause,
    });
  }

  #release(connection: OriginConnection, mayHaveMore: boolean): void {
    if (connection.idleTime >= 0) this.#habits.servedAgain(connection.idleTime);
    if (this.#closed || this.#habits.isSuspect || this.#unanswered.needIdle()) connection.close();
    else if (mayHaveMore) this.#idle.rest(connection);
    else this.#idle.keep(connection);
  }

  #ended(exchange: OriginExchange): void {
    this.#unanswered.remove(exchange);
    this.#connecting.get(exchange)?.abort();
  }

  /** Trusts no connection of an origin that sends more than its answers: the rest would be taken for the next one. */
  #spoke(connection: OriginConnection): void {
    // With this status an origin says that it has waited for long enough, and closes (RFC 9110 section 15.5.9).
    if (isTimeout(connection)) return this.#habits.closed(0);
    this.#habits.spoke();
    this.#idle.closeAll();
    this.#onMended(UNASKED);
  }
}

const UNASKED = ["bytes come that belong to no answer (RFC 9112 section 9.2)"] as const;

const TIMEOUT = "HTTP/1.1 408";

function isTimeout({ buffer, start }: OriginConnection): boolean {
  return latin1(buffer, start, start + TIMEOUT.length) === TIMEOUT;
}
