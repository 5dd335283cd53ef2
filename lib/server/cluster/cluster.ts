import { encodeHex } from "@std/encoding/hex";
import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import { withTimeout } from "../../net/with_timeout.ts";
import { encodeNodeNotice, type NodeNotice } from "../../wire/notice.ts";
import type { SessionOptions } from "../../mux/session.ts";
import { Announcer } from "./announcer.ts";
import type { Bus } from "../bus/bus.ts";
import { BusConnections } from "./bus_connections.ts";
import type { ClusterMetrics } from "./cluster_metrics.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import { Locations } from "./locations.ts";
import { NodeDoor } from "./node_handshake.ts";
import type { NodeLink } from "./node_link.ts";
import { NodeLinks } from "./node_links.ts";
import { NodeRelay } from "./node_relay.ts";
import type { RefusalNotices } from "../tunnels/refusal_notices.ts";
import type { Registry } from "../tunnels/registry.ts";
import { RemoteUpstream } from "./remote_upstream.ts";
import type { Absence, Upstream } from "../tunnels/upstream.ts";
import type { Elsewhere } from "../tunnels/upstream_finder.ts";

export interface ClusterOptions extends SessionOptions {
  /** Tells the clients of this node which visitors were refused. */
  readonly notices: RefusalNotices;
  readonly bus: Bus;
  /** Where the other nodes reach this one directly; null for over the bus alone. */
  readonly nodeUrl: string | null;
  readonly registry: Registry;
  /** Milliseconds that the search for a tunnel may take. */
  readonly findTimeout: number;
  readonly metrics: ClusterMetrics;
  readonly log: Log;
}

/** Bytes of a node's id: random, so that a process that starts anew is another node. */
const NODE_ID_LENGTH = 12;

/**
 * Makes this server one node of several for one domain: it tells the others which tunnels it has, opens streams to
 * theirs, and accepts streams to its own.
 *
 * A request to a tunnel of this node needs nothing of it.
 */
export class Cluster implements Elsewhere {
  /** This node's id. */
  readonly node = encodeHex(crypto.getRandomValues(new Uint8Array(NODE_ID_LENGTH)));
  readonly #options: ClusterOptions;
  readonly #log: Log;
  readonly #door: NodeDoor;
  readonly #relay: NodeRelay;
  readonly #connections: BusConnections;
  readonly #links: NodeLinks;
  readonly #locations: Locations;
  readonly #announcer: Announcer;
  #wasUp: boolean;

  constructor(options: ClusterOptions) {
    const { bus, nodeUrl: url, metrics } = options;
    const { node } = this;
    this.#options = options;
    this.#log = options.log.with({ node });
    const log = this.#log;
    this.#door = new NodeDoor({ bus, node, url });
    this.#relay = new NodeRelay({ ...options, log, onStream: () => metrics.streamsIn.inc() });
    this.#connections = new BusConnections({
      bus,
      node,
      accept: (transport, from) => this.#relay.accept(transport, from, null),
    });
    this.#links = new NodeLinks({ ...options, node, connections: this.#connections, log });
    this.#locations = new Locations({ bus, node });
    this.#wasUp = true;
    bus.onChange((isUp) => this.#changed(isUp));
    metrics.watch({
      isUp: () => bus.isUp,
      nodes: () => this.#links.nodes,
      links: (isDirect) => this.#links.count(isDirect),
      accepted: () => this.#relay.size,
    });
    // It receives once the bus is there, also when it is not there now.
    this.#connections.listen().catch((error) => {
      log.debug("nothing is received yet", { reason: messageOf(error) });
    });
    this.#announcer = new Announcer({ ...options, node: { id: node, url }, log });
    if (!bus.isUp) this.#changed(false);
  }

  /** Whether the bus can be asked. */
  get isUp(): boolean {
    return this.#options.bus.isUp;
  }

  /** Finds a node that has the hostname and can be reached; what is known already is used at once. */
  async find(hostname: string): Promise<Upstream | Absence> {
    const known = this.#locations.recall(hostname);
    const near = known === null ? null : this.#linked(known);
    // The search goes on no longer than a visitor would wait.
    const { findTimeout } = this.#options;
    const found = near ??
      await withTimeout(findTimeout, this.#search(hostname), () => "away" as const);
    const { lookups } = this.#options.metrics;
    lookups.labels(typeof found === "string" ? found : "found").inc();
    if (typeof found === "string") return found;
    const { link, node } = found;
    return new RemoteUpstream(link, {
      hostname,
      onOpen: () => this.#options.metrics.streamsOut.inc(),
      onMissing: () => this.#locations.miss(hostname, node),
    });
  }

  /** Tells the node that has a tunnel of visitors who were refused here; nobody when none can be reached. Never rejects. */
  async tell(notice: NodeNotice): Promise<void> {
    const found = await this.#search(notice.hostname);
    if (typeof found !== "string") found.link.session.sendNotice(encodeNodeNotice(notice));
  }

  /** Whether a hostname is, or was, on another node. Never rejects. */
  async knows(hostname: string): Promise<boolean> {
    const nodes = await this.#locations.ask(hostname);
    return nodes.length > 0 || this.#locations.knows(hostname);
  }

  /** Whether a visit is what other nodes send; `accept` may follow. */
  isFromNode(visit: Pick<Visit, "target" | "host">): boolean {
    return this.#door.isFor(visit);
  }

  /** Lets another node in; null when the visit does not prove that it comes from one. */
  accept(visit: Visit): Promise<Answer | null> {
    return this.#door.accept(visit, (transport, from) => {
      const isTaken = this.#relay.accept(transport, from, visit.listeningSocket);
      if (!isTaken) transport.close("the node takes no more links");
    });
  }

  /**
   * Moves links that other nodes opened from sockets that were replaced to the new ones, and resolves when nothing
   * comes by the old sockets. Links to other nodes, links over the bus and announcements stay as they are.
   *
   * @param time milliseconds that it should take at most
   */
  async move(time: number): Promise<void> {
    await this.#relay.move(time);
  }

  /**
   * Stops what comes from the other nodes: tells them that the tunnels are gone, and resolves, within seconds, when
   * they have agreed to send no new streams. What they sent before has arrived, so the clients may go then.
   */
  async leave(): Promise<void> {
    await this.#announcer.leave();
    await this.#relay.leave();
  }

  /** Resolves when no stream from another node is left. */
  async drain(): Promise<void> {
    await this.#relay.drain();
  }

  /** Ends every link, in both directions; the owner of the bus closes that. */
  async close(): Promise<void> {
    this.#relay.close();
    const links = this.#links.close();
    await this.#announcer.end();
    this.#connections.lose("this node stops");
    await links;
  }

  async #search(hostname: string): Promise<Found | Absence> {
    const nodes = await this.#locations.ask(hostname);
    for (const node of nodes) {
      const link = await this.#links.get(node);
      if (link !== null) return { link, node };
    }
    // Without the bus it may be anywhere.
    return this.isUp ? this.#locations.absence(hostname) : "away";
  }

  /** Returns a link that is open already, to the first of these nodes that has one. */
  #linked(nodes: readonly string[]): Found | null {
    for (const node of nodes) {
      const link = this.#links.get(node);
      // A link that is still being opened may fail, so the bus is asked again.
      if (link !== null) return link instanceof Promise ? null : { link, node };
    }
    return null;
  }

  #changed(isUp: boolean): void {
    if (isUp === this.#wasUp) return;
    this.#wasUp = isUp;
    if (isUp) {
      this.#log.info("the bus is back");
      return;
    }
    const reason = this.#options.bus.outage ?? "";
    this.#log.warn("the bus is away: tunnels of this node are served on", { reason });
    this.#connections.lose("the bus is away");
  }
}

interface Found {
  readonly link: NodeLink;
  readonly node: string;
}
