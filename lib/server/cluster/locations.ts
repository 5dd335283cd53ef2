import { waitAtMost, withTimeout } from "../../net/with_timeout.ts";
import { type Absence, AWAITED_FOR } from "../tunnels/upstream.ts";
import { FAREWELL } from "./announcer.ts";
import { BoundedMap } from "../../net/bounded_map.ts";
import type { Bus } from "../bus/bus.ts";

/** Hostnames whose nodes are remembered, the ones asked for least lately forgotten first: some megabytes at most. */
const MAX_LOCATIONS = 10_000;

/** Questions to the bus at once: with more than these, it is too slow to be asked. */
const MAX_QUESTIONS = 1_000;

/** Milliseconds that an answer of the bus may be used again. */
const KNOWN_FOR = 1_000;

/** The same for an answer that did not help: a client may have come back meanwhile. */
const DOUBTFUL_FOR = 200;

/** Milliseconds in which a node that does not have a tunnel is not asked for it again. */
const MISSING_FOR = 500;

/** Milliseconds that the bus may take. */
const ANSWER_TIMEOUT = 1_000;

/** Milliseconds of waiting for the bus after which an older answer is used: a bus that stands still must not slow requests down. */
const PATIENCE = 100;

interface Location {
  nodes: readonly string[];
  /** Until when it is waited for that a node has it again. */
  awaitedUntil: number;
  /** When the bus said so. */
  at: number;
  question: Promise<void> | null;
  askedAt: number;
  /** Nodes that said they do not have it, each with the time until which that counts. */
  readonly missing: Map<string, number>;
}

/** Remembers which nodes have a hostname, and asks the bus when that is too old. */
export class Locations {
  readonly #bus: Bus;
  readonly #node: string;
  readonly #known = new BoundedMap<string, Location>(MAX_LOCATIONS);
  /** Those that the bus is asked for now. */
  readonly #asked = new Map<string, Location>();

  constructor(options: { readonly bus: Bus; /** This node's id. */ readonly node: string }) {
    this.#bus = options.bus;
    this.#node = options.node;
  }

  /** Tells of a hostname that no node has now whether it is waited for. */
  absence(hostname: string): Absence {
    const location = this.#known.get(hostname);
    if (location === undefined) return "unknown";
    const isAwaited = location.nodes.length > 0 || performance.now() < location.awaitedUntil;
    return isAwaited ? "away" : "gone";
  }

  /** Whether another node has, or had, the hostname. */
  knows(hostname: string): boolean {
    return this.#known.has(hostname);
  }

  /** Returns the other nodes that should have a hostname as far as is known now; null when the bus is to be asked first. */
  recall(hostname: string): readonly string[] | null {
    const location = this.#known.get(hostname);
    if (location === undefined || performance.now() - location.at > KNOWN_FOR) return null;
    return this.#present(location);
  }

  /** Returns them after a question to the bus, unless it has just answered. When the bus is slow, returns what was known before. Never rejects. */
  async ask(hostname: string): Promise<readonly string[]> {
    const location = this.#known.get(hostname) ?? this.#asked.get(hostname) ??
      { nodes: [], awaitedUntil: 0, at: -Infinity, question: null, askedAt: 0, missing: new Map() };
    const isFresh = performance.now() - location.at <= DOUBTFUL_FOR;
    if (location.question === null && !isFresh) this.#begin(hostname, location);
    if (location.question !== null && location.nodes.length > 0) {
      await waitAtMost(location.askedAt + PATIENCE - performance.now(), location.question);
    } else {
      await location.question;
    }
    return this.#present(location);
  }

  /** Notes that a node has said it has no such tunnel. */
  miss(hostname: string, node: string): void {
    const location = this.#known.get(hostname);
    if (location === undefined || !location.nodes.includes(node)) return;
    location.missing.set(node, performance.now() + MISSING_FOR);
    location.at = Math.min(location.at, performance.now() - DOUBTFUL_FOR);
  }

  #begin(hostname: string, location: Location): void {
    if (this.#asked.size >= MAX_QUESTIONS || !this.#bus.isUp) return;
    this.#asked.set(hostname, location);
    location.askedAt = performance.now();
    location.question = this.#question(hostname, location).finally(() => {
      location.question = null;
      this.#asked.delete(hostname);
    });
  }

  async #question(hostname: string, location: Location): Promise<void> {
    try {
      const nodes = await withTimeout(ANSWER_TIMEOUT, this.#bus.locate(hostname), () => null);
      if (nodes !== null) this.#learn(hostname, location, nodes);
    } catch {
      // What was known before is used.
    }
  }

  #learn(hostname: string, location: Location, nodes: readonly string[]): void {
    const now = performance.now();
    const isFarewell = nodes.includes(FAREWELL);
    // The bus may still name this node itself.
    location.nodes = nodes.filter((node) => node !== this.#node && node !== FAREWELL);
    if (location.nodes.length > 0) location.awaitedUntil = now + AWAITED_FOR;
    else if (isFarewell) location.awaitedUntil = now;
    location.at = now;
    for (const node of location.missing.keys()) {
      if (!location.nodes.includes(node)) location.missing.delete(node);
    }
    // A hostname that was never found is not stored: visitors can invent any number of them.
    const isFound = location.nodes.length > 0 || isFarewell;
    if (!isFound && !this.#known.has(hostname)) return;
    this.#known.set(hostname, location);
  }

  #present({ nodes, missing }: Location): readonly string[] {
    if (missing.size === 0) return nodes;
    const now = performance.now();
    return nodes.filter((node) => (missing.get(node) ?? 0) <= now);
  }
}
