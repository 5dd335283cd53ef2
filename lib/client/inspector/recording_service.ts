import type { RequestHead } from "../../http/head.ts";
import { FrameType } from "../../wire/frame.ts";
import type { Incoming, Service } from "../services/service.ts";
import type { ExchangeStore } from "./exchange_store.ts";
import { RecordingIncoming } from "./recording_incoming.ts";

/** Notes what passes between another service and its visitors. */
export class RecordingService implements Service {
  readonly #inner: Service;
  readonly #store: ExchangeStore;
  readonly #begin: { readonly tunnel: string };

  /** @param tunnel is the name of its tunnel in the config file; empty for the only one. */
  constructor(inner: Service, store: ExchangeStore, tunnel = "") {
    this.#inner = inner;
    this.#store = store;
    // One object for all requests.
    this.#begin = { tunnel };
  }

  // It is not async: that would be one more promise for each request.
  serve(incoming: Incoming, head: RequestHead): Promise<void> {
    const isWebSocket = incoming.type === FrameType.WSRequest;
    const record = this.#store.begin(head, isWebSocket ? "websocket" : "http", this.#begin);
    const recording = new RecordingIncoming(incoming, record, this.#store);
    const served = this.#inner.serve(recording, head);
    return isWebSocket ? served.then(() => recording.settle()) : served;
  }

  /** Serves a request once more, or one that was changed: `incoming` takes the place of the visitor. */
  async replay(
    incoming: Incoming,
    head: RequestHead,
    { id, replayOf }: { readonly id: number; readonly replayOf: number },
  ): Promise<void> {
    const isWebSocket = incoming.type === FrameType.WSRequest;
    const record = this.#store.begin(
      head,
      isWebSocket ? "websocket" : "http",
      { ...this.#begin, id, replayOf },
    );
    const recording = new RecordingIncoming(incoming, record, this.#store);
    await this.#inner.serve(recording, head);
    recording.settle();
  }

  close(): void {
    this.#inner.close();
  }
}
