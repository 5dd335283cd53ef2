import type { TunnelClientEvents } from "../tunnel_client.ts";
import type { Service, TroubleHearer } from "../services/service.ts";
import { ExchangeStore, type StoreListener } from "./exchange_store.ts";
import { InspectorAPI } from "./inspector_api.ts";
import { InspectorServer } from "./inspector_server.ts";
import { RecordingService } from "./recording_service.ts";
import { TunnelStatus } from "./tunnel_status.ts";
import type { InspectorPlace } from "./visit_guard.ts";

export interface InspectorOptions {
  /** What answers visitors. */
  readonly service: Service;
  /** What it is called, such as `http://localhost:3000`. */
  readonly serviceName: string;
  readonly servers: readonly string[];
  /** Hears of the tunnel's state as well. */
  readonly events: TunnelClientEvents;
  readonly version: string;
  /** Bytes that records may take. */
  readonly memory: number;
  readonly place: InspectorPlace;
  /** What is asked of those who look; null for nothing. */
  readonly token: string | null;
  readonly onTrouble: TroubleHearer;
}

/** Records what passes between visitors and a service, and shows it to the owner. */
export class Inspector {
  /** Answers as the service does, and is recorded. */
  readonly service: Service;
  /** Hears of the tunnel's state, and tells it on. */
  readonly events: TunnelClientEvents;
  readonly #server: InspectorServer;
  readonly #store: ExchangeStore;

  private constructor(
    server: InspectorServer,
    store: ExchangeStore,
    service: Service,
    events: TunnelClientEvents,
  ) {
    this.#server = server;
    this.#store = store;
    this.service = service;
    this.events = events;
  }

  /** Begins to listen. @throws {InspectorError} when it cannot. */
  static async start(options: InspectorOptions): Promise<Inspector> {
    const { serviceName, servers, version, events, memory } = options;
    const { place, token, onTrouble } = options;
    const store = new ExchangeStore(memory);
    const tunnel = new TunnelStatus({ service: serviceName, servers, version, next: events });
    const service = new RecordingService(options.service, store);
    const api = new InspectorAPI({ store, tunnel, service });
    const server = await InspectorServer.start({ place, token, api, onTrouble });
    return new Inspector(server, store, service, tunnel);
  }

  /** Where it is opened. */
  get url(): string {
    return this.#server.url;
  }

  /** Lets somebody hear of the exchanges, too. */
  listen(listener: StoreListener): void {
    this.#store.listen(listener);
  }

  /** Ends streams, replays and listening. */
  async close(): Promise<void> {
    await this.#server.close();
  }
}
