import type { ExchangeSummary } from "../exchange.ts";
import { Observable } from "./observable.ts";

/** The exchanges that the client keeps, the newest first, as they are shown. */
export class ExchangeList extends Observable {
  /** By id. The client keeps 1,000, and tells which it has forgotten. */
  readonly #kept = new Map<number, ExchangeSummary>();
  #newestFirst: readonly ExchangeSummary[] = [];
  /** What was shown when the list was paused; null while it is not. */
  #frozen: readonly ExchangeSummary[] | null = null;
  #isLoaded = false;

  get shown(): readonly ExchangeSummary[] {
    return this.#frozen ?? this.#newestFirst;
  }

  get isPaused(): boolean {
    return this.#frozen !== null;
  }

  /** How many have come since the list was paused. */
  get waiting(): number {
    const newest = this.#frozen?.[0]?.id ?? 0;
    return this.#frozen === null ? 0 : this.#newestFirst.filter(({ id }) => id > newest).length;
  }

  /** Whether the client has told what it keeps. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Returns an exchange in its present state. */
  get(id: number): ExchangeSummary | undefined {
    return this.#kept.get(id);
  }

  replaceAll(exchanges: readonly ExchangeSummary[]): void {
    this.#isLoaded = true;
    this.#kept.clear();
    this.put(exchanges);
  }

  put(exchanges: readonly ExchangeSummary[]): void {
    for (const exchange of exchanges) this.#kept.set(exchange.id, exchange);
    this.#update();
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) this.#kept.delete(id);
    this.#update();
  }

  /** Shows nothing any more, also of what a paused list held. */
  clear(): void {
    this.#kept.clear();
    if (this.#frozen !== null) this.#frozen = [];
    this.#update();
  }

  togglePause(): void {
    this.#frozen = this.#frozen === null ? this.#newestFirst : null;
    this.changed();
  }

  #update(): void {
    this.#newestFirst = [...this.#kept.values()].sort((a, b) => b.id - a.id);
    this.changed();
  }
}
