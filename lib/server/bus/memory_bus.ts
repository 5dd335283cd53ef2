import { setImmediate } from "node:timers";
import {
  type Bus,
  BusError,
  type MessageHandler,
  type NameAnswer,
  type NameClaim,
  type NodeRecord,
} from "./bus.ts";
import {
  checkBusText,
  checkBusWord,
  checkLifetime,
  checkMessage,
  checkNodeId,
  checkNodeRecord,
  checkTicketValue,
  MAX_BUS_MESSAGE,
  MAX_NODES_OF_HOSTNAME,
} from "./bus_limits.ts";
import { ExpiringMap } from "./expiring_map.ts";

/** What several MemoryBus share, as several connections share a Redis server. */
export class BusMemory {
  readonly nodes = new ExpiringMap<string, NodeRecord>(MAX_NODES);
  /** For each hostname, when the lease of each of its nodes ends, by `performance.now`. */
  readonly leases = new ExpiringMap<string, Map<string, number>>(MAX_HOSTNAMES);
  readonly tickets = new ExpiringMap<string, string>(MAX_TICKETS);
  readonly owners = new ExpiringMap<string, string>(MAX_NAMES);
  readonly texts = new ExpiringMap<string, string>(MAX_TEXTS);
  readonly locks = new ExpiringMap<string, string>(MAX_LOCKS);
  readonly inboxes = new Map<string, Inbox>();
}

/** Is the bus of a server alone, and of several nodes in one process that share a BusMemory. */
export class MemoryBus implements Bus {
  readonly #memory: BusMemory;
  readonly #inboxes = new Map<string, Inbox>();
  #isOpen = true;

  constructor(memory: BusMemory = new BusMemory()) {
    this.#memory = memory;
  }

  get isUp(): boolean {
    return this.#isOpen;
  }

  get outage(): string | null {
    return this.#isOpen ? null : CLOSED;
  }

  onChange(_listener: (isUp: boolean) => void): void {}

  keepNode(node: NodeRecord, lifetime: number): Promise<void> {
    return this.#ask(({ nodes }) => {
      checkNodeRecord(node);
      checkLifetime(lifetime);
      const { id, url } = node;
      kept(nodes.set(id, { id, url }, lifetime), "nodes");
    });
  }

  dropNode(id: string): Promise<void> {
    return this.#ask(({ nodes }) => void nodes.delete(id));
  }

  findNode(id: string): Promise<NodeRecord | null> {
    return this.#ask(({ nodes }) => nodes.get(id) ?? null);
  }

  announce(node: string, hostnames: readonly string[], lifetime: number): Promise<void> {
    return this.#ask(({ leases }) => {
      checkNodeId(node);
      checkLifetime(lifetime);
      hostnames.forEach(checkBusWord);
      const now = performance.now();
      for (const hostname of hostnames) {
        const ends = leases.get(hostname) ?? new Map<string, number>();
        addLease(ends, node, { now, end: now + lifetime });
        kept(leases.set(hostname, ends, Math.max(...ends.values()) - now), "hostnames");
      }
    });
  }

  withdraw(node: string, hostnames: readonly string[]): Promise<void> {
    return this.#ask(({ leases }) => {
      for (const hostname of hostnames) {
        const ends = leases.get(hostname);
        ends?.delete(node);
        if (ends?.size === 0) leases.delete(hostname);
      }
    });
  }

  locate(hostname: string): Promise<readonly string[]> {
    return this.#ask(({ leases }) => latestFirst(leases.get(hostname) ?? new Map()));
  }

  send(node: string, message: Uint8Array): Promise<boolean> {
    return this.#ask(({ inboxes }) => {
      checkMessage(message);
      const inbox = inboxes.get(node);
      inbox?.put(message.slice());
      return inbox !== undefined;
    });
  }

  receive(node: string, handle: MessageHandler): Promise<void> {
    return this.#ask(({ inboxes }) => {
      checkNodeId(node);
      const inbox = new Inbox(handle);
      inboxes.get(node)?.close();
      inboxes.set(node, inbox);
      this.#inboxes.set(node, inbox);
    });
  }

  putTicket(ticket: string, value: string, lifetime: number): Promise<void> {
    return this.#ask(({ tickets }) => {
      checkBusWord(ticket);
      checkTicketValue(new TextEncoder().encode(value));
      checkLifetime(lifetime);
      kept(tickets.set(ticket, value, lifetime), "tickets");
    });
  }

  takeTicket(ticket: string): Promise<string | null> {
    return this.#ask(({ tickets }) => {
      const value = tickets.get(ticket);
      tickets.delete(ticket);
      return value ?? null;
    });
  }

  /** Nothing is forgotten here but with the process, which has all holders in it. */
  claimName({ name, owner, lifetime }: NameClaim): Promise<NameAnswer> {
    return this.#ask(({ owners }) => {
      checkBusWord(name);
      checkBusWord(owner);
      checkLifetime(lifetime);
      const current = owners.get(name) ?? owner;
      if (current === owner) kept(owners.set(name, owner, lifetime), "names");
      return { owner: current, memory: "" };
    });
  }

  keepText(name: string, text: string, lifetime: number): Promise<void> {
    return this.#ask(({ texts }) => {
      checkBusWord(name);
      checkBusText(new TextEncoder().encode(text));
      checkLifetime(lifetime);
      kept(texts.set(name, text, lifetime), "texts");
    });
  }

  findText(name: string): Promise<string | null> {
    return this.#ask(({ texts }) => texts.get(name) ?? null);
  }

  lock(name: string, holder: string, lifetime: number): Promise<boolean> {
    return this.#ask(({ locks }) => {
      checkBusWord(name);
      checkBusWord(holder);
      checkLifetime(lifetime);
      if ((locks.get(name) ?? holder) !== holder) return false;
      kept(locks.set(name, holder, lifetime), "locks");
      return true;
    });
  }

  unlock(name: string, holder: string): Promise<void> {
    return this.#ask(({ locks }) => {
      if (locks.get(name) === holder) locks.delete(name);
    });
  }

  close(): Promise<void> {
    this.#isOpen = false;
    for (const [node, inbox] of this.#inboxes) {
      inbox.close();
      // Another node may have taken its place meanwhile.
      if (this.#memory.inboxes.get(node) === inbox) this.#memory.inboxes.delete(node);
    }
    this.#inboxes.clear();
    return Promise.resolve();
  }

  /** Answers at once; an error rejects the promise, as with a bus that is elsewhere. */
  #ask<T>(answer: (memory: BusMemory) => T): Promise<T> {
    return Promise.try(() => {
      if (!this.#isOpen) throw new BusError(CLOSED);
      return answer(this.#memory);
    });
  }
}

/** Messages on their way to one node, which arrive in the next turn of the event loop, as from a socket. */
class Inbox {
  readonly #handle: MessageHandler;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #isOpen = true;

  constructor(handle: MessageHandler) {
    this.#handle = handle;
  }

  put(message: Uint8Array<ArrayBuffer>): void {
    if (this.#bytes + message.length + WAITING_COST > MAX_WAITING) {
      throw new BusError(`more than ${MAX_WAITING} bytes wait for one node`);
    }
    this.#bytes += message.length + WAITING_COST;
    if (this.#waiting.push(message) === 1) setImmediate(() => this.#deliver());
  }

  close(): void {
    this.#isOpen = false;
  }

  #deliver(): void {
    const messages = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const message of messages) {
      if (this.#isOpen) this.#handle(message);
    }
  }
}

/** Nodes of one domain: far more than one Redis server could serve. */
const MAX_NODES = 1000;

/** Hostnames in all: `--max-tunnels` ends at a million, and a tunnel may have a label and a name of its own. */
const MAX_HOSTNAMES = 4_000_000;

/** Tickets not yet taken: each lives for seconds, so this is thousands a second. */
const MAX_TICKETS = 100_000;

/** Names that have an owner, each for a day at least: under 50 MB. */
const MAX_NAMES = 200_000;

/** Texts that all nodes can read: a certificate, and what belongs to it. */
const MAX_TEXTS = 100;

/** Locks at once: one for each kind of thing that one node does for all. */
const MAX_LOCKS = 100;

/** Bytes sent to a node within one turn of the event loop: some of the largest messages. */
const MAX_WAITING = 8 * MAX_BUS_MESSAGE;

/** Bytes that a message counts beside its own: empty ones take memory too. */
const WAITING_COST = 64;

const CLOSED = "the bus is closed";

function kept(isKept: boolean, what: string): void {
  if (!isKept) throw new BusError(`the bus holds as many ${what} as it may`);
}

/** Adds a lease as the last one, and drops those that have ended or are too many. */
function addLease(
  ends: Map<string, number>,
  node: string,
  { now, end }: { readonly now: number; readonly end: number },
): void {
  ends.delete(node);
  for (const [other, otherEnd] of ends) {
    if (otherEnd <= now) ends.delete(other);
  }
  ends.set(node, end);
  const last = latestFirst(ends).at(-1);
  if (ends.size > MAX_NODES_OF_HOSTNAME && last !== undefined) ends.delete(last);
}

function latestFirst(ends: ReadonlyMap<string, number>): string[] {
  const now = performance.now();
  return [...ends]
    .filter(([, end]) => end > now)
    // Of those that end together, the one said last stands last in the map.
    .reverse()
    .sort(([, a], [, b]) => b - a)
    .map(([node]) => node);
}
