import { messageOf } from "../../cli/safe_text.ts";
import { AddressSet } from "../../net/address_set.ts";
import type { Ban, Banned } from "../admin/operator_view.ts";
import { StateError, type StateFolder } from "../state_folder.ts";
import { banOf, type BanRecord, BanRecords, MAX_BANS } from "./ban_records.ts";

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

/** What came of records of another node. */
export interface Merging {
  /** Whether any of them was later than what was known. */
  readonly hasChanged: boolean;
  /** Why they end with this process; null when they are kept. */
  readonly unkept: string | null;
}

/** The keys and networks whose clients an operator keeps away, also after a restart. */
export class DenyList {
  readonly #state: StateFolder | null;
  #records: BanRecords;
  #networks: AddressSet | null;
  /** Changes wait for each other: each is written before it holds. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(state: StateFolder | null, records: BanRecords) {
    this.#state = state;
    this.#records = records;
    this.#networks = networksOf(records);
  }

  /** Makes an empty list that ends with the process. */
  static inMemory(): DenyList {
    return new DenyList(null, BanRecords.none);
  }

  /** Reads the list that is kept. @throws {StateError} when it cannot be read: nobody is let in by a damaged file. */
  static async open(state: StateFolder): Promise<DenyList> {
    const text = await state.read(FILE);
    try {
      return new DenyList(state, text === null ? BanRecords.none : BanRecords.parse(text));
    } catch (cause) {
      const file = state.pathOf(FILE);
      const advice = "mend it, or remove it to lift all bans";
      throw new StateError(`${file} is no list of bans: ${messageOf(cause)}; ${advice}`, { cause });
    }
  }

  /** In the order in which they came. */
  get bans(): readonly Ban[] {
    return this.#records.bans;
  }

  /** What was decided of each, lifted bans among them. */
  get records(): BanRecords {
    return this.#records;
  }

  /** Returns why a client is kept away, or null. */
  whyBanned({ thumbprint, address }: Suspect): string | null {
    if (this.#records === BanRecords.none) return null;
    if (this.#records.has({ kind: "key", value: thumbprint })) return "this key is banned here";
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
  async add(ban: Omit<Ban, "since">): Promise<Ban> {
    return banOf(await this.#decide({ ...ban, isLifted: false }));
  }

  /** Lifts a ban, and tells whether there was one. @throws {StateError} when that cannot be written. */
  async remove({ kind, value }: Banned): Promise<boolean> {
    if (!this.#records.has({ kind, value })) return false;
    await this.#decide({ kind, value, reason: "", isLifted: true });
    return true;
  }

  /** Takes what was decided elsewhere, where it is later. It holds at once, also when it cannot be written. */
  async merge(records: Iterable<BanRecord>): Promise<Merging> {
    return await this.#inTurn(async () => {
      const merged = this.#records.merged(records);
      if (merged === this.#records) return { hasChanged: false, unkept: null };
      this.#take(merged);
      try {
        await this.#write(merged);
        return { hasChanged: true, unkept: null };
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        return { hasChanged: true, unkept: error.message };
      }
    });
  }

  async #decide(decision: Omit<BanRecord, "since">): Promise<BanRecord> {
    return await this.#inTurn(async () => {
      const record = this.#decided(decision);
      const records = this.#records.merged([record]);
      await this.#write(records);
      this.#take(records);
      return record;
    });
  }

  /** @throws {DenyListError} */
  #decided(decision: Omit<BanRecord, "since">): BanRecord {
    const isNew = !decision.isLifted && !this.#records.has(decision);
    if (isNew && this.bans.length >= MAX_BANS) {
      throw new DenyListError(`there are ${MAX_BANS} bans already`);
    }
    try {
      return this.#records.decide(decision);
    } catch (cause) {
      throw new DenyListError(messageOf(cause), { cause });
    }
  }

  async #write(records: BanRecords): Promise<void> {
    await this.#state?.write(FILE, `${records.text}\n`);
  }

  #take(records: BanRecords): void {
    this.#records = records;
    this.#networks = networksOf(records);
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#last.then(change);
    this.#last = changed.catch(() => {});
    return changed;
  }
}

function networksOf({ bans }: BanRecords): AddressSet | null {
  const networks = bans.filter(({ kind }) => kind === "network").map(({ value }) => value);
  return networks.length === 0 ? null : AddressSet.parse(networks.join(","));
}
