import { ExchangeStore, type StoreListener } from "../inspector/exchange_store.ts";
import { LEAST_MEMORY } from "../inspector/inspect_flags.ts";
import { type InspectedTunnel, Inspector, type Recorded } from "../inspector/inspector.ts";
import { InspectorError } from "../inspector/inspector_server.ts";
import { RecordingService } from "../inspector/recording_service.ts";
import type { TroubleHearer } from "../services/service.ts";
import type { ClientOptions } from "../options.ts";

export interface RecorderOptions
  extends Pick<ClientOptions, "inspect" | "inspectMemory" | "inspectToken"> {
  readonly version: string;
  /** Hears of the exchanges of all tunnels; null where nobody is told of them. */
  readonly exchanges: StoreListener | null;
  readonly onTrouble: TroubleHearer;
}

/** Puts those who look at exchanges in front of services: the inspector where it is wanted, and who tells of them. */
export class Recorder {
  readonly #inspector: Inspector | null;
  readonly #exchanges: StoreListener | null;
  /** What is recorded for those alone who tell of it. */
  #store: ExchangeStore | null = null;

  private constructor(inspector: Inspector | null, exchanges: StoreListener | null) {
    this.#inspector = inspector;
    this.#exchanges = exchanges;
    if (exchanges !== null) inspector?.listen(exchanges);
  }

  /** Starts the inspector, where it is wanted; when it cannot listen, the tunnels go on without it. */
  static async start(options: RecorderOptions): Promise<Recorder> {
    return new Recorder(await startInspector(options), options.exchanges);
  }

  /** Where the inspector is opened; null for none. */
  get url(): string | null {
    return this.#inspector?.url ?? null;
  }

  /** Records a tunnel, in the place of one of the same name; the inspector has it when it is `isInspected`. */
  add(tunnel: InspectedTunnel, isInspected: boolean): Recorded {
    if (this.#inspector !== null && isInspected) return this.#inspector.add(tunnel);
    this.remove(tunnel.name);
    const { service, events, name } = tunnel;
    if (this.#exchanges === null) return { service, events, show() {} };
    if (this.#store === null) {
      this.#store = new ExchangeStore(LEAST_MEMORY);
      this.#store.listen(this.#exchanges);
    }
    return { service: new RecordingService(service, this.#store, name), events, show() {} };
  }

  /** Lets go of a tunnel. */
  remove(name: string): void {
    this.#inspector?.remove(name);
  }
}

async function startInspector(options: RecorderOptions): Promise<Inspector | null> {
  const { inspect: place, inspectMemory: memory, inspectToken: token, version, onTrouble } =
    options;
  if (place === null) return null;
  try {
    return await Inspector.start({ place, token, memory, version, onTrouble });
  } catch (error) {
    if (!(error instanceof InspectorError)) throw error;
    onTrouble(`there is no inspector: ${error.message}`);
    return null;
  }
}
