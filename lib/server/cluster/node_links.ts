import { messageOf } from "../../cli/safe_text.ts";
import type { Log } from "../../cli/log.ts";
import type { SessionOptions } from "../../mux/session.ts";
import type { Transport } from "../../mux/transport.ts";
import type { Bus, NodeRecord } from "../bus/bus.ts";
import type { BusConnections } from "./bus_connections.ts";
import { dialNode } from "./node_handshake.ts";
import { NodeLink } from "./node_link.ts";
import { dialledTransport } from "../../websocket/dialled_transport.ts";
import { withTimeout } from "../../net/with_timeout.ts";

/** Other nodes that are remembered: more than one bus serves well. */
const MAX_NODES = 256;

/** Links to one node, of a thousand streams each; as many again may wait there to be replaced. */
const MAX_LINKS = 10;

/** Streams on the emptiest link from which on another is opened, before all are full. */
const CROWDED = 500;

/** Milliseconds for the bus to find a node's record, and for a node to grant a connection over it. */
const ANSWER_TIMEOUT = 1_000;

/** Milliseconds in which a node that could not be reached is not tried again: one that was killed costs one dial, not one a request. */
const SUSPECT_FOR = 3_000;

/** Milliseconds after which a node that was reached over the bus alone is dialled again. */
const DIRECT_AGAIN = 30_000;

export interface NodeLinksOptions extends SessionOptions {
  readonly bus: Bus;
  /** This node's id. */
  readonly node: string;
  readonly connections: BusConnections;
  readonly log: Log;
}

/** What is remembered of another node, whether a link to it is open or not. */
interface KnownNode {
  readonly id: string;
  readonly links: Set<NodeLink>;
  opening: Promise<NodeLink | null> | null;
  suspectUntil: number;
  directAfter: number;
  /** Whether its record has a URL. */
  hasUrl: boolean;
  isLeaving: boolean;
}

/** The links to the other nodes, opened when they are first needed. */
export class NodeLinks {
  readonly #options: NodeLinksOptions;
  readonly #peers = new Map<string, KnownNode>();
  readonly #stop = new AbortController();
  /** The ends of connections that are open, some of them of links that are over. */
  readonly #connections = new Set<Promise<void>>();

  constructor(options: NodeLinksOptions) {
    this.#options = options;
  }

  /** Nodes that this one has a link to. */
  get nodes(): number {
    let nodes = 0;
    for (const { links } of this.#peers.values()) if (links.size > 0) nodes++;
    return nodes;
  }

  /** Links that are open. */
  count(isDirect: boolean): number {
    let count = 0;
    for (const { links } of this.#peers.values()) {
      for (const link of links) if (link.isDirect === isDirect) count++;
    }
    return count;
  }

  /** Returns a link to a node that takes a stream, a promise of one, or null when the node cannot be reached now. */
  get(node: string): NodeLink | null | Promise<NodeLink | null> {
    const peer = this.#peers.get(node) ?? this.#meet(node);
    if (peer === null) return null;
    const link = emptiest(peer.links);
    if (link === null) return this.#mayDial(peer) ? this.#open(peer) : null;
    const mayBeReplaced = link.isMoving ||
      (!link.isDirect && peer.hasUrl && performance.now() >= peer.directAfter);
    if (mayBeReplaced || link.session.load >= CROWDED) this.#openMore(peer);
    return link;
  }

  /** Ends every link and every dial; resolves, within seconds, when the connections are closed as well. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("this node stops"));
    for (const { links } of this.#peers.values()) {
      for (const link of [...links]) link.close();
    }
    await Promise.all(this.#connections);
  }

  #openMore(peer: KnownNode): void {
    if (this.#mayDial(peer)) void this.#open(peer);
  }

  #mayDial(peer: KnownNode): boolean {
    return !peer.isLeaving && performance.now() >= peer.suspectUntil && hasRoom(peer.links) &&
      this.#options.bus.isUp && !this.#stop.signal.aborted;
  }

  #meet(id: string): KnownNode | null {
    if (this.#peers.size >= MAX_NODES) this.#forgetOne();
    if (this.#peers.size >= MAX_NODES) return null;
    const peer: KnownNode = {
      id,
      links: new Set(),
      opening: null,
      suspectUntil: 0,
      directAfter: 0,
      hasUrl: false,
      isLeaving: false,
    };
    this.#peers.set(id, peer);
    return peer;
  }

  /** Forgets the node met first of those without a link: each restart of a node gives it another id. */
  #forgetOne(): void {
    for (const { id, links, opening } of this.#peers.values()) {
      if (links.size > 0 || opening !== null) continue;
      this.#peers.delete(id);
      return;
    }
  }

  #open(peer: KnownNode): Promise<NodeLink | null> {
    peer.opening ??= this.#tryOpen(peer).finally(() => peer.opening = null);
    return peer.opening;
  }

  async #tryOpen(peer: KnownNode): Promise<NodeLink | null> {
    const { bus, log } = this.#options;
    try {
      const record = await answered(bus.findNode(peer.id), "the bus did not answer");
      if (record === null) throw new Error("it is gone");
      return await this.#openDirectly(peer, record) ?? await this.#openOverBus(peer);
    } catch (error) {
      if (this.#stop.signal.aborted) return null;
      peer.suspectUntil = performance.now() + SUSPECT_FOR;
      log.warn("another node cannot be reached", { node: peer.id, reason: messageOf(error) });
      return null;
    }
  }

  /** Dials the node; null when it cannot be dialled, or could not be a moment ago. */
  async #openDirectly(peer: KnownNode, { url }: NodeRecord): Promise<NodeLink | null> {
    peer.hasUrl = url !== null;
    if (url === null || performance.now() < peer.directAfter) return null;
    const { bus, node, log } = this.#options;
    const { signal } = this.#stop;
    try {
      const dialled = await dialNode(url, { bus, from: node, to: peer.id, signal });
      const transport = dialledTransport(dialled);
      const { left } = transport;
      this.#connections.add(left);
      void left.then(() => this.#connections.delete(left));
      const link = this.#make(peer, transport, true);
      this.#keep(peer, link);
      return link;
    } catch (error) {
      peer.directAfter = performance.now() + DIRECT_AGAIN;
      log.warn("another node cannot be reached directly", {
        node: peer.id,
        url,
        reason: messageOf(error),
      });
      return null;
    }
  }

  async #openOverBus(peer: KnownNode): Promise<NodeLink> {
    const link = emptiest(peer.links);
    // A direct link was wanted, and a second one over the bus would carry nothing more.
    if (link !== null && !link.isMoving && link.session.load < CROWDED) return link;
    const transport = this.#options.connections.open(peer.id);
    const opened = this.#make(peer, transport, false);
    try {
      await answered(transport.granted, "it does not answer");
      this.#keep(peer, opened);
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  }

  #make(peer: KnownNode, transport: Transport, isDirect: boolean): NodeLink {
    const { log } = this.#options;
    return new NodeLink(transport, {
      ...this.#options,
      isDirect,
      onLeaving: () => peer.isLeaving = true,
      onMoving: () => this.#openMore(peer),
      onClose: (link, { message }) => {
        if (!peer.links.delete(link)) return;
        log.info("the link to another node ended", { node: peer.id, reason: message });
      },
    });
  }

  #keep(peer: KnownNode, link: NodeLink): void {
    if (this.#stop.signal.aborted) link.close();
    if (link.isOver) throw new Error("the link ended at once");
    peer.links.add(link);
    this.#options.log.info("another node is linked", { node: peer.id, direct: link.isDirect });
    for (const other of peer.links) {
      const isWorse = other.isMoving || (link.isDirect && !other.isDirect);
      if (other !== link && isWorse) void other.retire();
    }
  }
}

/** Returns the link with the fewest streams of those that take one: those that stay come first, and then the direct ones. */
function emptiest(links: Iterable<NodeLink>): NodeLink | null {
  let best: NodeLink | null = null;
  for (const link of links) {
    if (link.session.usable && (best === null || isBetter(link, best))) best = link;
  }
  return best;
}

function isBetter(link: NodeLink, other: NodeLink): boolean {
  if (link.isMoving !== other.isMoving) return other.isMoving;
  if (link.isDirect !== other.isDirect) return link.isDirect;
  return link.session.load < other.session.load;
}

function hasRoom(links: ReadonlySet<NodeLink>): boolean {
  let moving = 0;
  for (const link of links) if (link.isMoving) moving++;
  return links.size - Math.min(moving, MAX_LINKS) < MAX_LINKS;
}

/** Waits for an answer, but not for ever. */
function answered<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  return withTimeout(ANSWER_TIMEOUT, promise, () => {
    throw new Error(otherwise);
  });
}
