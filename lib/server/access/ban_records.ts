import { messageOf, quoted } from "../../cli/safe_text.ts";
import { isThumbprint } from "../../identity/thumbprint.ts";
import { isNetwork } from "../../net/address_set.ts";
import type { Ban, Banned } from "../admin/operator_view.ts";

/** Bans at once: more are the business of a firewall, or of a list of keys. */
export const MAX_BANS = 1_000;

/** Bans that were lifted and are remembered, the latest: a node that was away for more of them may bring one back. */
const MAX_LIFTED = 500;

/** Characters of a reason: a thousand of them stay far below what is read of a file. */
const MAX_REASON = 100;

/** Milliseconds since 1970 of the latest time that can be written with a year of four digits. */
const MAX_TIME = Date.parse("9999-12-31T23:59:59.999Z");

/** What was decided last about a key or a network, and `since` when. */
export interface BanRecord extends Ban {
  /** Whether that was to lift the ban. */
  readonly isLifted: boolean;
}

/**
 * Says what was decided last about each key and network. Nodes change their records apart from each other, and merged
 * in any order they come to the same, for the later decision counts.
 */
export class BanRecords {
  /** Says nothing of anybody. */
  static readonly none: BanRecords = new BanRecords(new Map());
  readonly #records: ReadonlyMap<string, BanRecord>;

  private constructor(records: ReadonlyMap<string, BanRecord>) {
    this.#records = records;
  }

  /** Reads what `text` says. @throws {SyntaxError | RangeError} for anything else. */
  static parse(text: string): BanRecords {
    const value: unknown = JSON.parse(text);
    const { bans, lifted = [] }: { readonly bans?: unknown; readonly lifted?: unknown } =
      typeof value === "object" && value !== null ? value : {};
    if (!Array.isArray(bans)) throw new RangeError('there is no member "bans" with a list');
    if (!Array.isArray(lifted)) throw new RangeError('the member "lifted" must be a list');
    if (bans.length > MAX_BANS) throw new RangeError(`there are more than ${MAX_BANS}`);
    if (lifted.length > MAX_LIFTED) {
      throw new RangeError(`there are more than ${MAX_LIFTED} lifted ones`);
    }
    const all = [
      ...parseEach(bans, "the ban", (each) => ({ ...parseBan(each), isLifted: false })),
      ...parseEach(lifted, "the lifted ban", (each) => ({ ...parseBan(each), isLifted: true })),
    ];
    return BanRecords.none.merged(all);
  }

  /** In the order in which they came. */
  get bans(): readonly Ban[] {
    return this.#sorted(false).map(banOf);
  }

  /** What `parse` reads. */
  get text(): string {
    const lifted = this.#sorted(true).map(banOf);
    return JSON.stringify({ bans: this.bans, ...(lifted.length === 0 ? {} : { lifted }) }, null, 1);
  }

  /** Returns what was decided last; null for nothing, or too long ago. */
  of(banned: Banned): BanRecord | null {
    return this.#records.get(keyOf(banned)) ?? null;
  }

  /** Whether the one is banned. */
  has(banned: Banned): boolean {
    return this.of(banned)?.isLifted === false;
  }

  /** Makes a decision of now, which is later than the last one whatever the clocks say. @throws {RangeError} when it is none. */
  decide({ kind, value, reason, isLifted }: Omit<BanRecord, "since">): BanRecord {
    const last = this.of({ kind, value })?.since;
    const since = Math.max(Date.now(), last === undefined ? 0 : Date.parse(last) + 1);
    const record = { kind, value, reason, isLifted, since: new Date(since).toISOString() };
    checkBan(record);
    return record;
  }

  /** Returns the records with others that are later; the same object where none is. */
  merged(others: Iterable<BanRecord>): BanRecords {
    const records = new Map(this.#records);
    const added = new Set<BanRecord>();
    for (const other of others) {
      const own = records.get(keyOf(other));
      if (own !== undefined && !isLater(other, own)) continue;
      records.set(keyOf(other), other);
      added.add(other);
    }
    const merged = new BanRecords(records);
    const tooMany = [
      ...merged.#sorted(false).slice(0, -MAX_BANS),
      ...merged.#sorted(true).slice(0, -MAX_LIFTED),
    ];
    for (const record of tooMany) {
      records.delete(keyOf(record));
      added.delete(record);
    }
    return added.size === 0 ? this : merged;
  }

  /** Yields every record, lifted bans among them. */
  [Symbol.iterator](): Iterator<BanRecord> {
    return this.#records.values();
  }

  #sorted(isLifted: boolean): BanRecord[] {
    return [...this.#records.values()]
      .filter((record) => record.isLifted === isLifted)
      .sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
  }
}

/** Returns what a record says without whether that was lifted. */
export function banOf({ kind, value, reason, since }: BanRecord): Ban {
  return { kind, value, reason, since };
}

/** Reads a record of another node. @throws {RangeError} for anything else. */
export function parseBanRecord(value: unknown): BanRecord {
  const isLifted = typeof value === "object" && value !== null && "isLifted" in value &&
    value.isLifted === true;
  return { ...parseBan(value), isLifted };
}

function keyOf({ kind, value }: Banned): string {
  return `${kind} ${value}`;
}

/** Of two of the same moment the ban counts, and of two bans either, as long as it is the same at every node. */
function isLater(one: BanRecord, other: BanRecord): boolean {
  const difference = Date.parse(one.since) - Date.parse(other.since);
  if (difference !== 0) return difference > 0;
  if (one.isLifted !== other.isLifted) return other.isLifted;
  return one.reason > other.reason;
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

function parseEach(
  list: readonly unknown[],
  what: string,
  parse: (value: unknown) => BanRecord,
): readonly BanRecord[] {
  return list.map((each, i) => {
    try {
      return parse(each);
    } catch (cause) {
      throw new RangeError(`${what} number ${i + 1}: ${messageOf(cause)}`, { cause });
    }
  });
}

function parseBan(value: unknown): Ban {
  if (typeof value !== "object" || value === null) throw new RangeError("it is no object");
  const { kind, value: banned, reason, since }: { readonly [Name in keyof Ban]?: unknown } = value;
  if (kind !== "key" && kind !== "network") throw new RangeError("kind must be key or network");
  if (typeof banned !== "string") throw new RangeError("value must be a text");
  if (typeof reason !== "string") throw new RangeError("reason must be a text");
  const time = typeof since === "string" ? Date.parse(since) : NaN;
  if (Number.isNaN(time) || time > MAX_TIME) {
    throw new RangeError("since must be a time as 2027-01-31T12:00:00Z");
  }
  const ban: Ban = { kind, value: banned, reason, since: new Date(time).toISOString() };
  checkBan(ban);
  return ban;
}
