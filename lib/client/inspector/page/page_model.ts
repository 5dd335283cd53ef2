import type { ExchangeSummary, ReplayRequest } from "../exchange.ts";
import { ExchangeList } from "./exchange_list.ts";
import { forgetExchanges, messageOf, replay } from "./inspector_calls.ts";
import { filtered, type ListFilter, NO_FILTER } from "./list_filter.ts";
import { LiveFeed } from "./live_feed.ts";
import { Navigation } from "./navigation.ts";
import { Observable } from "./observable.ts";
import { ReplayDrafts } from "./replay_drafts.ts";
import type { TabName } from "./route.ts";

/** Milliseconds for which a notice stands: long enough to be read. */
const TOLD = 8000;

/** All that the page knows, and what can be done with it by mouse and keys alike. */
export class PageModel extends Observable {
  readonly list = new ExchangeList();
  readonly feed = new LiveFeed(this.list);
  readonly navigation = new Navigation();
  readonly drafts = new ReplayDrafts();
  #filter = NO_FILTER;
  /** The last result of filtering: it is asked for at each drawing. */
  #filtered: Filtered = { of: [], by: NO_FILTER, result: [] };
  #cursor: number | null = null;
  #notice: string | null = null;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    for (const part of [this.list, this.feed, this.navigation]) part.observe(() => this.changed());
  }

  start(): void {
    this.#cursor = this.navigation.route?.id ?? null;
    this.navigation.start();
    this.feed.start();
  }

  get filter(): ListFilter {
    return this.#filter;
  }

  /** The exchanges that the filter lets through, the newest first. */
  get exchanges(): readonly ExchangeSummary[] {
    const { shown } = this.list;
    if (this.#filtered.of !== shown || this.#filtered.by !== this.#filter) {
      const result = filtered(shown, this.#filter);
      this.#filtered = { of: shown, by: this.#filter, result };
    }
    return this.#filtered.result;
  }

  /** The exchange that keys speak of; null before one was chosen. */
  get cursor(): number | null {
    return this.navigation.route?.id ?? this.#cursor;
  }

  /** What has just been done or refused, as a sentence; null for nothing. */
  get notice(): string | null {
    return this.#notice;
  }

  setFilter(change: Partial<ListFilter>): void {
    this.#filter = { ...this.#filter, ...change };
    this.changed();
  }

  tell(notice: string): void {
    this.#notice = notice;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.#notice = null;
      this.changed();
    }, TOLD);
    this.changed();
  }

  /** Moves the cursor through what is shown; an exchange that is open is exchanged for the new one. */
  moveCursor(by: number): void {
    const exchanges = this.exchanges;
    const at = exchanges.findIndex(({ id }) => id === this.cursor);
    const next = exchanges[at === -1 ? 0 : Math.min(Math.max(at + by, 0), exchanges.length - 1)];
    if (next === undefined) return;
    this.#cursor = next.id;
    const { route } = this.navigation;
    if (route === null) this.changed();
    else this.navigation.turn({ id: next.id, tab: tabFor(next, route.tab) });
  }

  /** Opens an exchange; Back closes it. */
  open(id: number | null = this.cursor): void {
    if (id === null) return;
    this.#cursor = id;
    this.#show({ id, tab: "overview" });
  }

  /** Shows another view of the exchange that is open. */
  openTab(tab: TabName): void {
    const id = this.cursor;
    if (id !== null) this.#show({ id, tab });
  }

  close(): void {
    const { route } = this.navigation;
    if (route === null) return;
    this.#cursor = route.id;
    this.navigation.go(null);
    if (route.tab === "edit" && this.drafts.get(route.id) !== undefined) {
      this.tell(
        "What you have edited is kept, until it is sent or this page is left: e goes on with it.",
      );
    }
  }

  /** Sends the request of an exchange again and shows the answer beside the first one. */
  async replay(id: number | null = this.cursor, request: ReplayRequest = {}): Promise<boolean> {
    if (id === null) {
      this.tell("Choose an exchange first: j and k move through the list.");
      return false;
    }
    try {
      const { ids } = await replay(id, request);
      const [first] = ids;
      const count = ids.length === 1 ? "again" : `again, ${ids.length} times`;
      this.tell(`Sent ${count}: ${ids.length === 1 ? "" : "the first is "}number ${first}.`);
      if (first !== undefined) this.navigation.go({ id: first, tab: "compare" });
      return true;
    } catch (error) {
      this.tell(messageOf(error));
      return false;
    }
  }

  /** Makes the client forget everything. */
  async clear(): Promise<void> {
    try {
      await forgetExchanges();
      this.list.clear();
      this.drafts.clear();
      this.#cursor = null;
      this.navigation.turn(null);
      this.tell("Everything that was recorded is forgotten.");
    } catch (error) {
      this.tell(messageOf(error));
    }
  }

  /** The first view of an exchange is a step that Back undoes, the ones behind it take its place. */
  #show(route: { readonly id: number; readonly tab: TabName }): void {
    if (this.navigation.route === null) this.navigation.go(route);
    else this.navigation.turn(route);
  }
}

interface Filtered {
  readonly of: readonly ExchangeSummary[];
  readonly by: ListFilter;
  readonly result: readonly ExchangeSummary[];
}

/** Keeps the view while the cursor moves, where the exchange has such a one. */
function tabFor({ kind, replayOf }: ExchangeSummary, tab: TabName): TabName {
  if (tab === "messages") return kind === "http" ? "overview" : tab;
  if (tab === "compare") return replayOf === null ? "overview" : tab;
  return tab === "edit" || tab === "webhook" ? "overview" : tab;
}
