import type { ExchangeSummary, TunnelState } from "../exchange.ts";
import type { ExchangeList } from "./exchange_list.ts";
import { CallError, messageOf, readExchanges } from "./inspector_calls.ts";
import { Observable } from "./observable.ts";

/** Milliseconds until a stream that was refused is asked for again. */
const PAUSE = 2000;

/** Milliseconds for which the list may be on its way; what changes meanwhile is held. */
const PATIENCE = 10_000;

/** Keeps a list as the client has it, for as long as somebody can see the page. */
export class LiveFeed extends Observable {
  readonly #list: ExchangeList;
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What came while the list was on its way, to be done behind it; null while it is here. */
  #held: (() => void)[] | null = null;
  #tunnel: TunnelState | null = null;
  #trouble: string | null = null;

  constructor(list: ExchangeList) {
    super();
    this.#list = list;
  }

  /** How the tunnel is; null until the client has told. */
  get tunnel(): TunnelState | null {
    return this.#tunnel;
  }

  /** Why nothing new comes, as a sentence; null while it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  start(): void {
    // A browser has six connections to a client: pages that nobody sees leave theirs to others.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#close();
      else this.#open();
    });
    if (!document.hidden) this.#open();
  }

  #open(): void {
    this.#close();
    const events = new EventSource("/api/events");
    this.#events = events;
    events.addEventListener("open", () => this.#load(events));
    events.addEventListener("error", () => {
      this.#set("The client does not answer. Is it still running?");
      // It tries again by itself, unless it was refused.
      if (events.readyState === EventSource.CLOSED) this.#reopenLater();
    });
    events.addEventListener("tunnel", ({ data }) => {
      this.#tunnel = JSON.parse(data);
      this.changed();
    });
    events.addEventListener("exchanges", ({ data }) => {
      const exchanges: ExchangeSummary[] = JSON.parse(data);
      this.#do(() => this.#list.put(exchanges));
    });
    events.addEventListener("removed", ({ data }) => {
      const { ids }: { readonly ids: number[] } = JSON.parse(data);
      this.#do(() => this.#list.remove(ids));
    });
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#events?.close();
    this.#events = null;
    this.#held = null;
  }

  async #load(events: EventSource): Promise<void> {
    this.#held = [];
    try {
      const { exchanges } = await readExchanges(AbortSignal.timeout(PATIENCE));
      if (this.#events !== events) return;
      this.#list.replaceAll(exchanges);
      for (const change of this.#held ?? []) change();
      this.#held = null;
      this.#set(null);
    } catch (error) {
      if (this.#events !== events) return;
      this.#set(
        error instanceof CallError && error.code === "unauthorized"
          ? "The client asks for its token again: load this page anew."
          : messageOf(error),
      );
      this.#reopenLater();
    }
  }

  #reopenLater(): void {
    this.#close();
    this.#timer = setTimeout(() => this.#open(), PAUSE);
  }

  #do(change: () => void): void {
    if (this.#held === null) change();
    else this.#held.push(change);
  }

  #set(trouble: string | null): void {
    this.#trouble = trouble;
    this.changed();
  }
}
