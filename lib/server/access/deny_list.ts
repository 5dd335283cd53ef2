import { messageOf, quoted } from "../../cli/safe_text.ts";
import { isThumbprint } from "../../identity/thumbprint.ts";
import { AddressSet, isNetwork } from "../../net/address_set.ts";
import type { Ban, Banned } from "../admin/operator_view.ts";
import { StateError, type StateFolder } from "../state_folder.ts";

/** Bans at once: more are the business of a firewall, or of a list of keys. */
export const MAX_BANS = 1_000;

/** Characters of a reason: a thousand of them stay far below what is read of a file. */
const MAX_REASON = 100;

/** Its file in the folder that a server keeps. */
const FILE = "bans.json";

/** What of a client is looked for in the list. */
export interface Suspect {
  /** The key's. */
  readonly thumbprint: string;
  /** Where it comes from. */
  readonly address: string;
}

/** Says that the list cannot take a ban, in a sentence for the operator. */
export class DenyListError extends Error {
  /** The name of the class. */
  override readonly name = "DenyListError";
  /** The same for all of them. */
  readonly code = "DENY_LIST";
}

/** The keys and networks whose clients an operator keeps away, also after a restart. */
export class DenyList {
  readonly #state: StateFolder | null;
  readonly #bans = new Map<string, Ban>();
  #networks: AddressSet | null;
  /** Changes wait for each other: each is written before it holds. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(state: StateFolder | null, bans: readonly Ban[]) {
    this.#state = state;
    for (const ban of bans) this.#bans.set(keyOf(ban), ban);
    this.#networks = networksOf(bans);
  }

  /** Makes an empty list that ends with the process. */
  static inMemory(): DenyList {
    return new DenyList(null, []);
  }

  /** Reads the list that is kept. @throws {StateError} when it cannot be read: nobody is let in by a damaged file. */
  static async open(state: StateFolder): Promise<DenyList> {
    const text = await state.read(FILE);
    try {
      return new DenyList(state, text === null ? [] : parseBans(text));
    } catch (cause) {
      const file = state.pathOf(FILE);
      const advice = "mend it, or remove it to lift all bans";
      throw new StateError(`${file} is no list of bans: ${messageOf(cause)}; ${advice}`, { cause });
    }
  }

  /** In the order in which they came. */
  get bans(): readonly Ban[] {
    return [...this.#bans.values()];
  }

  /** Returns why a client is kept away, or null. */
  whyBanned({ thumbprint, address }: Suspect): string | null {
    if (this.#bans.size === 0) return null;
    if (this.#bans.has(keyOf({ kind: "key", value: thumbprint }))) return "this key is banned here";
    return this.whyBannedAt(address);
  }

  /** Returns why clients of an address are kept away, or null. */
  whyBannedAt(address: string): string | null {
    const isBanned = this.#networks?.has(address) ?? false;
    return isBanned ? `clients from ${address} are banned here` : null;
  }

  /**
   * Adds a ban, or notes another reason for one that is there.
   *
   * @throws {DenyListError} when it is none, or there are too many.
   * @throws {StateError} when it cannot be written; it does not hold then.
   */
  async add({ kind, value, reason }: Omit<Ban, "since">): Promise<Ban> {
    const ban = { kind, value, reason, since: new Date().toISOString() };
    try {
      checkBan(ban);
    } catch (cause) {
      throw new DenyListError(messageOf(cause), { cause });
    }
    await this.#change((bans) => {
      bans.set(keyOf(ban), ban);
      if (bans.size > MAX_BANS) throw new DenyListError(`there are ${MAX_BANS} bans already`);
    });
    return ban;
  }

  /** Lifts a ban, and tells whether there was one. @throws {StateError} when that cannot be written. */
  async remove(banned: Banned): Promise<boolean> {
    if (!this.#bans.has(keyOf(banned))) return false;
    await this.#change((bans) => void bans.delete(keyOf(banned)));
    return true;
  }

  #change(apply: (bans: Map<string, Ban>) => void): Promise<void> {
    const change = this.#last.then(async () => {
      const bans = new Map(this.#bans);
      apply(bans);
      const all = [...bans.values()];
      await this.#state?.write(FILE, `${JSON.stringify({ bans: all }, null, 2)}\n`);
      this.#bans.clear();
      for (const [key, ban] of bans) this.#bans.set(key, ban);
      this.#networks = networksOf(all);
    });
    this.#last = change.catch(() => {});
    return change;
  }
}

function networksOf(bans: readonly Ban[]): AddressSet | null {
  const networks = bans.filter(({ kind }) => kind === "network").map(({ value }) => value);
  return networks.length === 0 ? null : AddressSet.parse(networks.join(","));
}

function keyOf({ kind, value }: Banned): string {
  return `${kind} ${value}`;
}

function checkBan({ kind, value, reason }: Omit<Ban, "since">): void {
  if (kind === "key" && !isThumbprint(value)) {
    throw new RangeError(`${quoted(value)} is not a key's thumbprint of 43 characters`);
  }
  if (kind === "network" && !isNetwork(value)) {
    throw new RangeError(`${quoted(value)} is neither an address nor a network as 203.0.113.0/24`);
  }
  if (reason.length > MAX_REASON) {
    throw new RangeError(`the reason has more than ${MAX_REASON} characters`);
  }
}

/** @throws {SyntaxError | RangeError} for what is no list of bans. */
function parseBans(text: string): readonly Ban[] {
  const value: unknown = JSON.parse(text);
  const { bans }: { readonly bans?: unknown } = typeof value === "object" && value !== null
    ? value
    : {};
  if (!Array.isArray(bans)) throw new RangeError('there is no member "bans" with a list');
  if (bans.length > MAX_BANS) throw new RangeError(`there are more than ${MAX_BANS}`);
  return bans.map((each: unknown, i) => {
    try {
      return parseBan(each);
    } catch (cause) {
      throw new RangeError(`the ban number ${i + 1}: ${messageOf(cause)}`, { cause });
    }
  });
}

function parseBan(value: unknown): Ban {
  if (typeof value !== "object" || value === null) throw new RangeError("it is no object");
  const { kind, value: banned, reason, since }: { readonly [Name in keyof Ban]?: unknown } = value;
  if (kind !== "key" && kind !== "network") throw new RangeError("kind must be key or network");
  if (typeof banned !== "string") throw new RangeError("value must be a text");
  if (typeof reason !== "string") throw new RangeError("reason must be a text");
  if (typeof since !== "string" || Number.isNaN(Date.parse(since))) {
    throw new RangeError("since must be a time as 2027-01-31T12:00:00Z");
  }
  const ban: Ban = { kind, value: banned, reason, since };
  checkBan(ban);
  return ban;
}
