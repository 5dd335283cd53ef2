/** A node as the others know it. */
export interface NodeRecord {
  /** Letters, digits, `-` and `_`, at most 64 of them: what the bus says otherwise is not believed. */
  readonly id: string;
  /** Where the others reach it directly, an origin without a path; null for over the bus alone. */
  readonly url: string | null;
}

/** Says that the bus cannot be asked now; what was asked may have been done or not. */
export class BusError extends Error {
  /** The name of the class. */
  override readonly name = "BusError";
  /** The same for all of them. */
  readonly code = "BUS_AWAY";
}

/** What a node asks of the bus for the owner of a name. */
export interface NameClaim {
  /** The name, in lower case. */
  readonly name: string;
  /** The thumbprint of the owner's key. */
  readonly owner: string;
  /** Milliseconds that the name is the owner's. */
  readonly lifetime: number;
  /** Whether the owner is known to use the name now. */
  readonly isHeld: boolean;
  /**
   * Milliseconds after the bus may have forgotten everything in which it gives a free name only to those that hold it:
   * long enough for all of them to say so.
   */
  readonly settling: number;
}

/** What the bus says to a claim. */
export interface NameAnswer {
  /** Who owns the name; null for a free one that is not given yet. */
  readonly owner: string | null;
  /** Tells one memory of the bus from another: a new text means that it may have forgotten everything. */
  readonly memory: string;
}

/** Takes what was sent to a node; must not throw. */
export type MessageHandler = (message: Uint8Array<ArrayBuffer>) => void;

/**
 * What the nodes of one domain share: which node has which hostname, who owns which name, and messages to each other.
 *
 * What is written with a lifetime runs out by itself, so that a node which dies leaves nothing behind. Every method
 * rejects with a BusError when the bus is away, within seconds, and after `close`; nothing is kept to be done later,
 * `receive` aside.
 * A value beyond the limits of bus_limits.ts is a RangeError when it is written, and not found when it is asked for.
 */
export interface Bus {
  /** Whether the bus can be reached, as far as is known, and what was to be received is received. */
  readonly isUp: boolean;

  /** Why the bus cannot be reached, in words for a log, without secrets; null while it can. */
  readonly outage: string | null;

  /**
   * Calls `listener` whenever `isUp` changes, but not for `close`.
   *
   * What nodes said may be lost with an outage: when the bus is up again, say all of it again.
   */
  onChange(listener: (isUp: boolean) => void): void;

  /** Says that a node lives, for `lifetime` milliseconds. */
  keepNode(node: NodeRecord, lifetime: number): Promise<void>;

  /** Takes a node's record away, as when it stops. */
  dropNode(id: string): Promise<void>;

  /** Finds a node; null when its record has run out. */
  findNode(id: string): Promise<NodeRecord | null>;

  /**
   * Says that a node has these hostnames, for `lifetime` milliseconds; said again before that, it goes on.
   *
   * When the bus goes away in the middle of many hostnames, the first ones have been said.
   */
  announce(node: string, hostnames: readonly string[], lifetime: number): Promise<void>;

  /** Says that a node no longer has these hostnames. */
  withdraw(node: string, hostnames: readonly string[]): Promise<void>;

  /**
   * Returns the ids of the nodes that have a hostname. The one whose lease lasts longest comes first: with one lifetime
   * for all, the one that said so last. `findNode` tells whether a node still lives.
   */
  locate(hostname: string): Promise<readonly string[]>;

  /**
   * Sends a message to a node; those from one sender arrive in their order, each once or never.
   *
   * The caller may change the bytes as soon as this returns. A message can be lost without a trace on either side, even
   * when true is returned, and a receiver that is too slow loses some: a sender that must know of a gap numbers its
   * messages. Await the promise, or bound what is under way by other means: above a few megabytes, further messages are
   * refused with a BusError.
   *
   * @returns whether a process receives for that node.
   */
  send(node: string, message: Uint8Array): Promise<boolean>;

  /**
   * Gives what is sent to a node to `handle`; the last call for a node is the one that counts.
   *
   * It lasts until `close`, through outages. While the bus is away this rejects, and still takes effect once it is back.
   */
  receive(node: string, handle: MessageHandler): Promise<void>;

  /** Keeps a secret that one of the nodes may take once, within `lifetime` milliseconds. */
  putTicket(ticket: string, value: string, lifetime: number): Promise<void>;

  /** Returns what a ticket stands for and destroys it; null when there is no such ticket. */
  takeTicket(ticket: string): Promise<string | null>;

  /** Makes somebody the owner of a free name. If the name is theirs already, the time begins anew. */
  claimName(claim: NameClaim): Promise<NameAnswer>;

  /** Keeps a text for all nodes, in the place of the one before, for `lifetime` milliseconds. */
  keepText(name: string, text: string, lifetime: number): Promise<void>;

  /** Returns the text of that name; null when there is none. */
  findText(name: string): Promise<string | null>;

  /**
   * Takes a lock that one holder at a time can have, or has it last for `lifetime` milliseconds from now when it is the
   * holder's already.
   *
   * @returns whether it is the holder's.
   */
  lock(name: string, holder: string, lifetime: number): Promise<boolean>;

  /** Gives a lock back when it is the holder's. */
  unlock(name: string, holder: string): Promise<void>;

  /** Ends every connection; what waits is rejected. */
  close(): Promise<void>;
}
