import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import type { Bus, NodeRecord } from "../bus/bus.ts";
import { AWAITED_FOR } from "../tunnels/upstream.ts";
import type { Registry } from "../tunnels/registry.ts";

/** Milliseconds that the others believe what a node has said: one that dies is forgotten then at the latest. */
const LEASE = 30_000;

/** Milliseconds between renewals: two may be lost. */
const RENEW_EVERY = LEASE / 3;

/**
 * Stands on the bus where a node would, for a hostname whose client said farewell, as long as it would be waited for: no
 * node waits for it then. Node ids are hexadecimal.
 */
export const FAREWELL = "farewell";

/** Stands on the bus where a hostname would, and is had by every node: so the nodes of a domain are found. No host has a colon. */
export const ALL_NODES = "all:nodes";

/** Hostnames said in one message, so that other questions to the bus come in between. */
const BATCH = 1_000;

/** Changes that wait to be said: with as many tunnels as a server has by default, it is simpler to say everything. */
const MAX_CHANGED = 20_000;

export interface AnnouncerOptions {
  readonly bus: Bus;
  readonly node: NodeRecord;
  readonly registry: Registry;
  readonly log: Log;
}

/**
 * Tells the other nodes which hostnames this one has: when one comes or goes, again before the lease runs out, and
 * all of them when the bus is back.
 *
 * One thing is said at a time, as it is at that moment, so that a client that leaves and comes back at once is not
 * taken for one that has left.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #changed = new Set<string>();
  /** Those of them whose clients said farewell. */
  readonly #farewells = new Set<string>();
  readonly #timer: ReturnType<typeof setInterval>;
  #speaking: Promise<void> | null = null;
  #isDue = true;
  #hasLeft = false;

  /** Begins to announce. */
  constructor(options: AnnouncerOptions) {
    this.#options = options;
    const { registry, bus } = options;
    registry.observe({
      onJoined: (hostname) => this.#change(hostname),
      onGone: (hostname, isFarewell) => {
        if (isFarewell) this.#farewells.add(hostname);
        this.#change(hostname);
      },
    });
    bus.onChange((isUp) => isUp && this.#renew());
    this.#timer = setInterval(() => this.#renew(), RENEW_EVERY);
    void this.#speak();
  }

  /** Takes everything back, so that no node sends streams here any more. Never rejects. */
  async leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    clearInterval(this.#timer);
    await this.#speaking;
    const { bus, node, registry } = this.#options;
    try {
      for (const hostnames of batches(registry.hostnames())) {
        await bus.withdraw(node.id, hostnames);
      }
    } catch (error) {
      this.#silenced(error);
    }
  }

  /** Takes back that there is this node as well, which operators could still ask while it drained. Never rejects. */
  async end(): Promise<void> {
    await this.leave();
    const { bus, node } = this.#options;
    try {
      await bus.withdraw(node.id, [ALL_NODES]);
      await bus.dropNode(node.id);
    } catch (error) {
      this.#silenced(error);
    }
  }

  #change(hostname: string): void {
    if (this.#hasLeft) return;
    this.#changed.add(hostname);
    if (this.#changed.size > MAX_CHANGED) this.#forgetChanges();
    void this.#speak();
  }

  #renew(): void {
    this.#isDue = true;
    void this.#speak();
  }

  #speak(): Promise<void> {
    return this.#speaking ??= this.#sayAll();
  }

  async #sayAll(): Promise<void> {
    try {
      // Clients that come in one turn of the event loop are told in one message.
      await Promise.resolve();
      while (!this.#hasLeft && (this.#isDue || this.#changed.size > 0)) {
        if (this.#isDue) await this.#sayEverything();
        else await this.#sayChanges();
      }
    } catch (error) {
      // All is said again when the bus is back, or else with the next renewal or change.
      this.#forgetChanges();
      this.#silenced(error);
    } finally {
      this.#speaking = null;
    }
  }

  /** Says everything instead of the changes: new hostnames are in it, and the leases of old ones run out. */
  #forgetChanges(): void {
    this.#changed.clear();
    this.#farewells.clear();
    this.#isDue = true;
  }

  async #sayEverything(): Promise<void> {
    const { bus, node, registry } = this.#options;
    this.#isDue = false;
    await bus.keepNode(node, LEASE);
    if (this.#hasLeft) return;
    for (const hostnames of batches([ALL_NODES, ...registry.hostnames()])) {
      await bus.announce(node.id, hostnames, LEASE);
    }
  }

  async #sayChanges(): Promise<void> {
    const { bus, node, registry } = this.#options;
    const changed = [...this.#changed];
    const farewells = new Set(this.#farewells);
    this.#changed.clear();
    this.#farewells.clear();
    const here = new Set(changed.filter((hostname) => registry.has(hostname)));
    for (const hostnames of batches(here)) {
      await bus.announce(node.id, hostnames, LEASE);
      await bus.withdraw(FAREWELL, hostnames);
    }
    const gone = changed.filter((hostname) => !here.has(hostname));
    for (const hostnames of batches(gone)) await bus.withdraw(node.id, hostnames);
    for (const hostnames of batches(gone.filter((hostname) => farewells.has(hostname)))) {
      await bus.announce(FAREWELL, hostnames, AWAITED_FOR);
    }
  }

  #silenced(error: unknown): void {
    this.#options.log.debug("the bus was told nothing", { reason: messageOf(error) });
  }
}

function* batches(hostnames: Iterable<string>): Generator<string[]> {
  // The list may change meanwhile, so it is copied first.
  const all = [...hostnames];
  for (let at = 0; at < all.length; at += BATCH) yield all.slice(at, at + BATCH);
}
