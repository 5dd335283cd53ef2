import { RegistrationError } from "../../wire/registration_error.ts";
import type { Session } from "../../mux/session.ts";
import { BoundedMap } from "../../net/bounded_map.ts";
import { Tally } from "../../net/tally.ts";
import { FIXED_HOSTNAME } from "../router.ts";
import type { ClientUpstream } from "./client_upstream.ts";
import { type Absence, AWAITED_FOR, type Unavailable } from "./upstream.ts";

/** Hostnames whose client has gone that are remembered, the oldest forgotten first: enough to tell those from unknown ones. */
const MAX_ABSENT = 10_000;

export interface RegistryOptions {
  /** Serve one hostname only, for the first key that asks. */
  readonly fixed: boolean;
  /** Tunnels in all. */
  readonly maxTunnels: number;
  /** Connections of one key. */
  readonly maxConnections: number;
}

/** Is told of each upstream that a hostname gets, and when its last one has gone. */
export interface RegistryObserver {
  onJoined(hostname: string): void;
  /** `isFarewell` tells whether the client said that it stops. */
  onGone(hostname: string, isFarewell: boolean): void;
  /** An upstream is about to go, with what it has carried. */
  onLeaving?(upstream: ClientUpstream): void;
}

interface Served {
  readonly thumbprint: string;
  readonly upstreams: ClientUpstream[];
  /** How often one was looked for. */
  turn: number;
}

/** Maps hostnames to the connections of the clients that proved to own them. */
export class Registry {
  readonly #served = new Map<string, Served>();
  /** Until when the clients of those that are absent are waited for, by `performance.now`. */
  readonly #absent = new BoundedMap<string, number>(MAX_ABSENT);
  readonly #observers: RegistryObserver[] = [];
  /** How many upstreams each key has. */
  readonly #connections = new Tally<string>();
  readonly #maxTunnels: number;
  readonly #maxConnections: number;
  readonly #fixed: boolean;
  #tunnels = 0;
  #fixedOwner: string | null = null;

  constructor({ fixed, maxTunnels, maxConnections }: RegistryOptions) {
    this.#fixed = fixed;
    // The one hostname is known from the start, and its client may be on its way.
    if (fixed) this.#absent.set(FIXED_HOSTNAME, performance.now() + AWAITED_FOR);
    this.#maxTunnels = maxTunnels;
    this.#maxConnections = maxConnections;
  }

  /** Hostnames with at least one upstream. */
  get size(): number {
    return this.#served.size;
  }

  /** Yields the hostnames with at least one upstream. */
  hostnames(): IterableIterator<string> {
    return this.#served.keys();
  }

  /** Whether the hostname has an upstream. */
  has(hostname: string): boolean {
    return this.#served.has(hostname);
  }

  /** Yields every upstream once. */
  *upstreams(): Generator<ClientUpstream> {
    for (const [hostname, { upstreams }] of this.#served) {
      // One with several hostnames is listed under each.
      for (const upstream of upstreams) if (upstream.hostnames[0] === hostname) yield upstream;
    }
  }

  /** Tells `observer` of every change from now on. */
  observe(observer: RegistryObserver): void {
    this.#observers.push(observer);
  }

  /**
   * Adds an upstream to its hostnames, beside those that the same key has there.
   *
   * @throws {RegistrationError} `hostname_taken` when another key owns one, `try_again` when there are too many.
   */
  add(upstream: ClientUpstream): void {
    const { thumbprint, hostnames } = upstream;
    if (this.#fixed) this.#checkFixed(thumbprint);
    for (const hostname of hostnames) this.#check(hostname, thumbprint);
    this.#checkLimits(upstream);
    this.#fixedOwner ??= thumbprint;
    this.#connections.add(thumbprint);
    for (const hostname of hostnames) this.#join(hostname, upstream);
  }

  remove(upstream: ClientUpstream): void {
    const { thumbprint, hostnames } = upstream;
    if (!this.#served.get(hostnames[0] ?? "")?.upstreams.includes(upstream)) return;
    this.#connections.remove(thumbprint);
    for (const observer of this.#observers) observer.onLeaving?.(upstream);
    for (const hostname of hostnames) this.#leave(hostname, upstream);
  }

  /**
   * Takes an upstream's name, which belongs to another key now. Under its id it is found as before, until its client has
   * registered anew.
   */
  dropName(upstream: ClientUpstream): void {
    for (const hostname of upstream.hostnames.slice(1)) this.#leave(hostname, upstream);
    upstream.loseName();
    upstream.session.goAway("name_taken: the name belongs to another key now");
  }

  /** Returns the least loaded upstream that can take a stream, or why there is none. */
  select(hostname: string): ClientUpstream | Unavailable {
    const served = this.#served.get(hostname);
    if (served === undefined) return this.#absence(hostname);
    const { upstreams } = served;
    // Equals take turns, so that clients which share a hostname share its requests.
    const first = ++served.turn;
    let best: ClientUpstream | undefined;
    for (let i = 0; i < upstreams.length; i++) {
      const upstream = upstreams[(first + i) % upstreams.length];
      if (!upstream?.session.usable) continue;
      if (best === undefined || isBetter(upstream.session, best.session)) best = upstream;
    }
    if (best !== undefined) return best;
    if (upstreams.some(({ session }) => session.full)) return "busy";
    return upstreams.every(({ session }) => session.hasPeerLeft) ? "gone" : "away";
  }

  /** Returns the upstreams of a hostname. */
  upstreamsOf(hostname: string): readonly ClientUpstream[] {
    return this.#served.get(hostname)?.upstreams ?? [];
  }

  /** Returns how many streams all upstreams of a hostname have. */
  load(hostname: string): number {
    let load = 0;
    for (const { session } of this.upstreamsOf(hostname)) load += session.load;
    return load;
  }

  /** Whether the hostname has an upstream, or had one not too long ago. */
  knows(hostname: string): boolean {
    return this.#served.has(hostname) || this.#absent.has(hostname);
  }

  #absence(hostname: string): Absence {
    const awaitedUntil = this.#absent.get(hostname);
    if (awaitedUntil === undefined) return "unknown";
    return performance.now() < awaitedUntil ? "away" : "gone";
  }

  #check(hostname: string, thumbprint: string): void {
    const served = this.#served.get(hostname);
    if (served === undefined) return;
    if (served.thumbprint !== thumbprint) {
      throw new RegistrationError("hostname_taken", `${hostname} belongs to another key`);
    }
  }

  #checkLimits({ thumbprint, hostnames }: ClientUpstream): void {
    if (this.#connections.count(thumbprint) >= this.#maxConnections) {
      const reason = `this key has ${this.#maxConnections} connections already`;
      throw new RegistrationError("try_again", reason, false);
    }
    if (this.#tunnels >= this.#maxTunnels && !this.#served.has(hostnames[0] ?? "")) {
      throw new RegistrationError("try_again", "this server has as many tunnels as it may", false);
    }
  }

  #join(hostname: string, upstream: ClientUpstream): void {
    const { thumbprint } = upstream;
    const served = this.#served.get(hostname) ?? { thumbprint, upstreams: [], turn: 0 };
    for (const { session, hasLostName } of served.upstreams) {
      // The newcomer takes the place of one that runs out of stream ids or has lost its name, or may replace one that died
      // without a word: until they answer, the others get no new streams.
      if (session.idsLow || hasLostName) {
        void session.retire("another connection has taken its place");
      } else session.probe();
    }
    served.upstreams.push(upstream);
    // A tunnel is counted once, by the first of its hostnames.
    if (!this.#served.has(hostname) && hostname === upstream.hostnames[0]) this.#tunnels++;
    this.#served.set(hostname, served);
    this.#absent.delete(hostname);
    for (const observer of this.#observers) observer.onJoined(hostname);
  }

  #leave(hostname: string, upstream: ClientUpstream): void {
    const served = this.#served.get(hostname);
    const at = served?.upstreams.indexOf(upstream) ?? -1;
    if (served === undefined || at === -1) return;
    served.upstreams.splice(at, 1);
    if (served.upstreams.length > 0) return;
    this.#served.delete(hostname);
    if (hostname === upstream.hostnames[0]) this.#tunnels--;
    const isFarewell = upstream.session.hasPeerLeft;
    this.#absent.set(hostname, performance.now() + (isFarewell ? 0 : AWAITED_FOR));
    for (const observer of this.#observers) observer.onGone(hostname, isFarewell);
  }

  #checkFixed(thumbprint: string): void {
    if (this.#fixedOwner === null || this.#fixedOwner === thumbprint) return;
    throw new RegistrationError(
      "hostname_taken",
      "this server has one hostname, and another key has it until the server restarts",
    );
  }
}

function isBetter(session: Session, other: Session): boolean {
  if (session.answering !== other.answering) return session.answering;
  // One whose client goes elsewhere carries a request only when nothing else can.
  if (session.leaving !== other.leaving) return other.leaving;
  return session.load < other.load;
}
