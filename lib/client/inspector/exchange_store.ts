import type { RequestHead } from "../../http/head.ts";
import type { ExchangeKind, ExchangeState } from "./exchange.ts";
import { ExchangeRecord } from "./exchange_record.ts";

/** Exchanges that are kept: more than a list shows well. */
const MAX_EXCHANGES = 1000;

/** Records that are gone and still stand in the list, after which it is cut. */
const COMPACT_AFTER = 64;

/** Hears of what changes in a store, within the turn in which it does: it must only take note. */
export interface StoreListener {
  /** An exchange is new, or something of it has changed. */
  changed(record: ExchangeRecord): void;
  removed(record: ExchangeRecord): void;
}

/**
 * Keeps records, bounded in count and bytes: the oldest go first.
 *
 * A WebSocket or a stream of events that is open stays until nothing else is left to go, and is then as old as its end.
 */
export class ExchangeStore {
  readonly #maxMemory: number;
  /** In the order in which they came. A map by id costs as much for each request as all else that is kept of it. */
  readonly #records: ExchangeRecord[] = [];
  /** Where those begin that are not gone. */
  #start = 0;
  /** Those that were the oldest and may stay, being open. */
  readonly #lasting = new Set<ExchangeRecord>();
  readonly #listeners = new Set<StoreListener>();
  #memory = 0;
  #lastId = 0;

  /** @param maxMemory is in bytes. */
  constructor(maxMemory: number) {
    this.#maxMemory = maxMemory;
  }

  /** Bytes that its records take. */
  get memory(): number {
    return this.#memory;
  }

  /** Returns all records, the oldest first. */
  list(): ExchangeRecord[] {
    return [...this.#lasting, ...this.#records.slice(this.#start)].sort((a, b) => a.id - b.id);
  }

  get(id: number): ExchangeRecord | undefined {
    return this.list().find((record) => record.id === id);
  }

  /** Takes an id, for an exchange that begins later. */
  takeId(): number {
    return ++this.#lastId;
  }

  /** Begins a record. */
  begin(
    head: RequestHead,
    kind: ExchangeKind,
    { id = this.takeId(), replayOf = null, tunnel = "" }: {
      readonly id?: number;
      readonly replayOf?: number | null;
      readonly tunnel?: string;
    } = {},
  ): ExchangeRecord {
    const record = new ExchangeRecord(id, head, kind, replayOf, tunnel);
    this.#records.push(record);
    this.#memory += record.memory;
    this.#makeRoom();
    this.changed(record);
    return record;
  }

  /** Counts memory that a record has taken, or given back. */
  grow(record: ExchangeRecord, bytes: number): void {
    if (bytes === 0 || !record.isKept) return;
    record.memory += bytes;
    this.#memory += bytes;
    this.#makeRoom();
  }

  /** Ends a record. */
  finish(
    record: ExchangeRecord,
    state: ExchangeState,
    reason: string | null,
    resetCode?: number,
  ): void {
    if (!record.isOpen) return;
    record.finish(state, reason, resetCode);
    if (this.#lasting.delete(record)) this.#records.push(record);
    this.changed(record);
  }

  /** Tells that something of a record has changed. */
  changed(record: ExchangeRecord): void {
    if (this.#listeners.size === 0 || !record.isKept) return;
    for (const listener of this.#listeners) listener.changed(record);
  }

  /** Forgets everything. */
  clear(): void {
    const records = this.list();
    this.#records.length = 0;
    this.#start = 0;
    this.#lasting.clear();
    for (const record of records) this.#forget(record);
  }

  listen(listener: StoreListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: StoreListener): void {
    this.#listeners.delete(listener);
  }

  #makeRoom(): void {
    while (this.#count > MAX_EXCHANGES || this.#memory > this.#maxMemory) {
      const oldest = this.#takeOldest();
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
  }

  get #count(): number {
    return this.#records.length - this.#start + this.#lasting.size;
  }

  /** Takes the record out that goes next. */
  #takeOldest(): ExchangeRecord | undefined {
    // The newest may have only begun, and is what its owner waits to see.
    while (this.#records.length - this.#start > 1) {
      const record = this.#records[this.#start++];
      if (this.#start >= COMPACT_AFTER) {
        this.#records.splice(0, this.#start);
        this.#start = 0;
      }
      if (record === undefined || !record.isLasting) return record;
      record.leaveShared();
      this.#lasting.add(record);
    }
    const [oldest] = this.#lasting;
    if (oldest !== undefined) this.#lasting.delete(oldest);
    return oldest;
  }

  #forget(record: ExchangeRecord): void {
    this.#memory -= record.memory;
    if (this.#listeners.size > 0) {
      for (const listener of this.#listeners) listener.removed(record);
    }
    record.drop();
  }
}
