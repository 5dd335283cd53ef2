import type { TunnelClientEvents } from "../tunnel_client.ts";
import type { Service, TroubleHearer } from "../services/service.ts";
import { ExchangeStore, type StoreListener } from "./exchange_store.ts";
import { InspectorAPI } from "./inspector_api.ts";
import { InspectorServer } from "./inspector_server.ts";
import { RecordingService } from "./recording_service.ts";
import { TunnelStatus, type WatchedTunnel } from "./tunnel_status.ts";
import type { InspectorPlace } from "./visit_guard.ts";

export interface InspectorOptions {
  readonly version: string;
  /** Bytes that records may take. */
  readonly memory: number;
  readonly place: InspectorPlace;
  /** What is asked of those who look; null for nothing. */
  readonly token: string | null;
  readonly onTrouble: TroubleHearer;
}

/** A tunnel to record. */
export interface InspectedTunnel extends WatchedTunnel {
  /** What answers its visitors. */
  readonly service: Service;
}

/** What takes the place of a tunnel's parts, so that it is recorded. */
export interface Recorded {
  /** Answers as the service does. */
  readonly service: Service;
  /** Hears of the tunnel's state, and tells it on. */
  readonly events: TunnelClientEvents;
  /** Takes its place again among the tunnels that are shown, after another one of its name. */
  show(): void;
}

/** Records what passes between visitors and the services of tunnels, and shows it to the owner. */
export class Inspector {
  readonly #server: InspectorServer;
  readonly #store: ExchangeStore;
  readonly #tunnel: TunnelStatus;
  /** By the names of their tunnels. */
  readonly #services: Map<string, RecordingService>;

  private constructor(
    server: InspectorServer,
    parts: {
      readonly store: ExchangeStore;
      readonly tunnel: TunnelStatus;
      readonly services: Map<string, RecordingService>;
    },
  ) {
    this.#server = server;
    this.#store = parts.store;
    this.#tunnel = parts.tunnel;
    this.#services = parts.services;
  }

  /** Begins to listen. @throws {InspectorError} when it cannot. */
  static async start(
    { version, memory, place, token, onTrouble }: InspectorOptions,
  ): Promise<Inspector> {
    const parts = {
      store: new ExchangeStore(memory),
      tunnel: new TunnelStatus(version),
      services: new Map<string, RecordingService>(),
    };
    const api = new InspectorAPI(parts);
    return new Inspector(await InspectorServer.start({ place, token, api, onTrouble }), parts);
  }

  /** Where it is opened. */
  get url(): string {
    return this.#server.url;
  }

  /** Begins to record a tunnel, in the place of one of the same name. */
  add(tunnel: InspectedTunnel): Recorded {
    const service = new RecordingService(tunnel.service, this.#store, tunnel.name);
    const status = this.#tunnel.add(tunnel);
    const show = (): void => {
      this.#services.set(tunnel.name, service);
      status.show();
    };
    show();
    return { service, events: status.events, show };
  }

  /** Lets go of a tunnel; what was recorded of it stays. */
  remove(name: string): void {
    this.#services.delete(name);
    this.#tunnel.remove(name);
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
