import type { Link } from "../testing/link.ts";
import type { Tunnel } from "../testing/tunnel.ts";
import type { SoakContext } from "./fault.ts";
import { waitAtMost } from "../../lib/net/with_timeout.ts";
import { type MarkedLoad, mixed, type VisitKind } from "./marked_load.ts";
import type { MarkedOrigin } from "./marked_origin.ts";
import { untilWorks } from "./recovery.ts";
import type { Visits } from "./visits.ts";

/**
 * What a busy service gets in an hour, at fifty requests for each second of ten minutes: of these 24,000 are small
 * (1 kB), 3,000 uploads (64 KiB), 1,500 downloads (1 MB) and 1,500 streams of events (3 s).
 */
const HOUR = {
  requests: 30_000,
  /** WebSockets of twenty messages, one in ten of which ends without a close. */
  sockets: 1_200,
  /** Visitors that leave before the answer, or in the middle of it. */
  leavers: 1_800,
  /** Losses of all connections of a client, which then connects anew. */
  reconnects: 60,
} as const;

/** Minutes that an hour is pressed into. */
export const PRESSED_INTO = 10;

/** Visits of which one is made a WebSocket, and some leavers, in the proportion of the hour. */
const ROUND = 55;
const SOCKETS = ROUND * HOUR.sockets / (HOUR.requests + HOUR.sockets + HOUR.leavers);
const LEAVERS = ROUND * HOUR.leavers / (HOUR.requests + HOUR.sockets + HOUR.leavers);

/** Requests a second that the hour was counted for; another rate makes more or less of all but reconnects. */
const RATE = HOUR.requests / (PRESSED_INTO * 60);

/** Milliseconds between two losses of connections. */
const LOSS_INTERVAL = PRESSED_INTO * 60_000 / HOUR.reconnects;

/** What the traffic comes to. */
export interface HourOptions {
  readonly origin: MarkedOrigin;
  readonly tunnel: Tunnel;
  /** Another tunnel to the same server, whose client loses its connections on this link. */
  readonly unsteady: Tunnel;
  readonly link: Link;
}

/** What became of it. */
export interface HourReport {
  readonly visits: Visits;
  readonly reconnects: number;
  /** Milliseconds that the slowest took until the tunnel answered again. */
  readonly slowestReconnect: number;
}

/** Ten minutes in which an hour's visitors come; it goes on until it is stopped. */
export class Hour implements AsyncDisposable {
  readonly #options: HourOptions;
  readonly #load: MarkedLoad;
  readonly #stopping = Promise.withResolvers<void>();
  readonly #reconnecting: Promise<void>;
  #isStopped = false;
  #reconnects = 0;
  #slowest = 0;

  constructor(context: SoakContext, options: HourOptions) {
    this.#options = options;
    this.#load = context.load({
      rate: context.rate / RATE * ROUND,
      port: Number(options.tunnel.server.url.port),
      host: options.tunnel.host,
      origin: options.origin,
      kind: kindOf,
    });
    this.#reconnecting = this.#reconnect();
    // Its end is waited for later.
    this.#reconnecting.catch(() => {});
  }

  /** Lets nobody come any more and tells what became of all. @throws {Error} when a client did not come back. */
  async stop(): Promise<HourReport> {
    this.#isStopped = true;
    this.#stopping.resolve();
    const visits = await this.#load.stop();
    await this.#reconnecting;
    return { visits, reconnects: this.#reconnects, slowestReconnect: this.#slowest };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
  }

  async #reconnect(): Promise<void> {
    const { link, unsteady } = this.#options;
    for (;;) {
      await waitAtMost(LOSS_INTERVAL, this.#stopping.promise);
      if (this.#isStopped) return;
      link.cut();
      this.#slowest = Math.max(this.#slowest, await untilWorks(unsteady));
      this.#reconnects++;
    }
  }
}

function kindOf(id: number): VisitKind {
  const place = id % ROUND;
  if (place < SOCKETS) return "socket";
  return place < SOCKETS + LEAVERS ? "leaver" : mixed(id);
}
