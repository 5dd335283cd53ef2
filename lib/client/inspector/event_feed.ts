import { APIError } from "./api_error.ts";
import type { ExchangeSummary } from "./exchange.ts";
import type { ExchangeRecord } from "./exchange_record.ts";
import type { ExchangeStore, StoreListener } from "./exchange_store.ts";
import { messagePage, summaryOf } from "./exchange_view.ts";
import type { TunnelStatus } from "./tunnel_status.ts";

/** Streams that are open at once: some pages and some scripts. */
const MAX_READERS = 16;

/** Milliseconds between two looks at what has changed: what a person takes for at once. */
const INTERVAL = 100;

/** Removed exchanges that wait for a reader; one that is further behind is cut off, and begins anew. */
const MAX_REMOVED = 10_000;

/** Exchanges, and messages, that are sent at once; the rest follows in the next turn. */
const MAX_AT_ONCE = 200;

/** Milliseconds of silence after which a reader gets a comment, so that one that is gone is noticed. */
const SILENCE = 30_000;

/** Tells readers what changes, as streams of events. */
export class EventFeed {
  readonly #store: ExchangeStore;
  readonly #tunnel: TunnelStatus;
  readonly #readers = new Set<FeedReader>();

  constructor(store: ExchangeStore, tunnel: TunnelStatus) {
    this.#store = store;
    this.#tunnel = tunnel;
    tunnel.onChange = () => {
      for (const reader of this.#readers) reader.tunnelChanged();
    };
  }

  /** Opens a stream, with the messages of an exchange where one is named. @throws {APIError} when too many are open. */
  open(messagesOf: ExchangeRecord | null): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#readers.size >= MAX_READERS) {
      throw new APIError("busy", `${MAX_READERS} streams of events are open, which is the most`);
    }
    let isCancelled = false;
    const reader = new FeedReader(this.#tunnel, messagesOf, () => {
      this.#readers.delete(reader);
      this.#store.unlisten(reader);
    });
    this.#readers.add(reader);
    this.#store.listen(reader);
    return new ReadableStream({
      async pull(controller) {
        const text = await reader.next();
        if (text !== null) controller.enqueue(encoder.encode(text));
        // The stream of a reader that has gone is closed already.
        else if (!isCancelled) controller.close();
      },
      cancel() {
        isCancelled = true;
        reader.end();
      },
    }, { highWaterMark: 0 });
  }

  /** Ends all streams. */
  close(): void {
    for (const reader of this.#readers) reader.end();
  }
}

const encoder = new TextEncoder();

/**
 * What one reader has not been told yet.
 *
 * It holds names of what has changed and not the changes: a reader that is slow misses states in between, and holds
 * up nobody.
 */
class FeedReader implements StoreListener {
  readonly #tunnel: TunnelStatus;
  readonly #messagesOf: ExchangeRecord | null;
  readonly #onEnd: () => void;
  readonly #changed = new Set<ExchangeRecord>();
  #removed: number[] = [];
  #isTunnelChanged = true;
  /** The index of the next message. */
  #nextMessage = 0;
  #isOver = false;
  /** Ends the wait of the reader. */
  #wake: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onEnd is called at the end, behind which nothing may be noted: one that does not read keeps its stream open. */
  constructor(tunnel: TunnelStatus, messagesOf: ExchangeRecord | null, onEnd: () => void) {
    this.#tunnel = tunnel;
    this.#messagesOf = messagesOf;
    this.#onEnd = onEnd;
  }

  changed(record: ExchangeRecord): void {
    this.#changed.add(record);
    this.#wake?.();
  }

  removed(record: ExchangeRecord): void {
    this.#changed.delete(record);
    this.#removed.push(record.id);
    if (this.#removed.length > MAX_REMOVED) this.end();
    else this.#wake?.();
  }

  tunnelChanged(): void {
    this.#isTunnelChanged = true;
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#changed.clear();
    this.#removed = [];
    clearTimeout(this.#timer);
    this.#onEnd();
    this.#wake?.();
  }

  /** Waits for something to tell, and returns it as events; null at the end. */
  async next(): Promise<string | null> {
    if (!this.#hasNews()) await this.#pause(SILENCE, true);
    else if (!this.#isTunnelChanged) await this.#pause(INTERVAL, false);
    if (this.#isOver) return null;
    return this.#take() || ": nothing new\n\n";
  }

  #hasNews(): boolean {
    const log = this.#messagesOf?.messages;
    return this.#isOver || this.#isTunnelChanged || this.#changed.size > 0 ||
      this.#removed.length > 0 || (log?.total ?? 0) > this.#nextMessage;
  }

  /** Waits so long, or until something changes where that is wanted; the end of the stream ends each wait. */
  async #pause(milliseconds: number, untilNews: boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        if (untilNews || this.#isOver) resolve();
      };
    });
    clearTimeout(this.#timer);
    this.#wake = null;
  }

  #take(): string {
    let text = "";
    if (this.#isTunnelChanged) text += eventOf("tunnel", this.#tunnel.state);
    text += this.#takeChanged();
    if (this.#removed.length > 0) text += eventOf("removed", { ids: this.#removed });
    this.#isTunnelChanged = false;
    this.#removed = [];
    return text + this.#takeMessages();
  }

  #takeChanged(): string {
    if (this.#changed.size === 0) return "";
    const summaries: ExchangeSummary[] = [];
    for (const record of this.#changed) {
      if (summaries.length === MAX_AT_ONCE) break;
      summaries.push(summaryOf(record));
      this.#changed.delete(record);
    }
    return eventOf("exchanges", summaries);
  }

  #takeMessages(): string {
    const record = this.#messagesOf;
    const log = record?.messages ?? null;
    if (record === null || log === null || log.total <= this.#nextMessage) return "";
    const from = Math.max(log.first, this.#nextMessage);
    this.#nextMessage = Math.min(log.total, from + MAX_AT_ONCE);
    return eventOf("messages", {
      exchange: record.id,
      ...messagePage(log, from, this.#nextMessage),
    });
  }
}

/** Writes an event; JSON has no line ends in it. */
function eventOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
