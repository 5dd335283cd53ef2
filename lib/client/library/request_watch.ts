import type { RequestHead } from "../../http/head.ts";
import type { ExchangeRecord } from "../inspector/exchange_record.ts";
import { ExchangeStore, type StoreListener } from "../inspector/exchange_store.ts";
import { LEAST_MEMORY } from "../inspector/inspect_flags.ts";
import { RecordingService } from "../inspector/recording_service.ts";
import type { Incoming, Service } from "../services/service.ts";
import type { ServedRequest } from "./tunnel_events.ts";

/** Serves as another service does, and tells of each exchange that has ended: those that it records once it is started. */
export class RequestWatch implements Service, StoreListener {
  readonly #service: Service;
  readonly #onRequest: (request: ServedRequest) => void;
  readonly #told = new WeakSet<ExchangeRecord>();
  #serving: Service;

  constructor(service: Service, onRequest: (request: ServedRequest) => void) {
    this.#service = service;
    this.#serving = service;
    this.#onRequest = onRequest;
  }

  /** Begins to record. */
  start(): void {
    if (this.#serving !== this.#service) return;
    const store = new ExchangeStore(LEAST_MEMORY);
    store.listen(this);
    this.#serving = new RecordingService(this.#service, store);
  }

  serve(incoming: Incoming, head: RequestHead): Promise<void> {
    return this.#serving.serve(incoming, head);
  }

  close(): void {
    this.#service.close();
  }

  changed(record: ExchangeRecord): void {
    const { kind, method, target, status, state, end } = record;
    if (state === "open" || this.#told.has(record)) return;
    this.#told.add(record);
    this.#onRequest({ kind, method, target, status, outcome: state, duration: end / 1000 });
  }

  removed(): void {
    // What is forgotten was told of, or has no end yet.
  }
}
