import type { ExchangeRecord } from "../inspector/exchange_record.ts";
import type { StoreListener } from "../inspector/exchange_store.ts";
import type { ShownExchange } from "./exchange_line.ts";

/** Tells of each exchange when it has ended, and of one that lasts when it has begun as well. */
export class ExchangePrinter implements StoreListener {
  readonly #tell: (exchange: ShownExchange, record: ExchangeRecord) => void;
  readonly #told = new WeakMap<ExchangeRecord, "begun" | "ended">();

  constructor(tell: (exchange: ShownExchange, record: ExchangeRecord) => void) {
    this.#tell = tell;
  }

  changed(record: ExchangeRecord): void {
    const told = this.#told.get(record);
    if (told === "ended") return;
    if (!record.isOpen) this.#told.set(record, "ended");
    else if (told === undefined && record.isLasting && record.status !== null) {
      this.#told.set(record, "begun");
    } else return;
    this.#tell(shownOf(record), record);
  }

  removed(): void {
    // What is forgotten may have been told of long ago.
  }
}

function shownOf(record: ExchangeRecord): ShownExchange {
  const { kind, state, replayOf, tunnel, method, target, status, end, messages, resetCode } =
    record;
  const last = messages?.at(messages.total - 1);
  return {
    ...{ kind, state, replayOf, tunnel, method, target, status, resetCode },
    // The record has microseconds.
    duration: end < 0 ? null : end / 1000,
    responseSize: record.responseBody?.size ?? 0,
    messages: messages === null || status === null || (kind === "websocket" && status !== 101)
      ? null
      : { fromVisitor: messages.fromVisitor, fromService: messages.fromService },
    closeCode: last?.kind === "close" ? last.code : null,
  };
}
