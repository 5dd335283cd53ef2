import { plainDialer } from "../services/local_http/origin_dialer.ts";
import { addressOf, type Origin } from "../services/origin.ts";
import { ServiceWatch } from "./service_watch.ts";

export interface ServiceWatchesOptions {
  readonly origins: readonly Origin[];
  /** Something listened at an address, and does not any more. */
  readonly onDown: (address: string) => void;
  /** Something listens at an address again, or for the first time. */
  readonly onUp: (address: string) => void;
}

/** Watches the origins of a client, each address once. */
export class ServiceWatches implements Disposable {
  readonly #watches = new Map<string, ServiceWatch>();

  constructor({ origins, onDown, onUp }: ServiceWatchesOptions) {
    for (const origin of origins) {
      const address = addressOf(origin);
      if (this.#watches.has(address)) continue;
      const watch = new ServiceWatch({
        dialer: plainDialer(origin),
        onDown: () => onDown(address),
        onUp: () => onUp(address),
      });
      this.#watches.set(address, watch);
    }
  }

  /** Looks for the first time, at all of them at once, and returns whether something listens at each address. */
  async start(): Promise<ReadonlyMap<string, boolean>> {
    const looks = [...this.#watches].map(async ([address, watch]) =>
      [address, await watch.start()] as const
    );
    return new Map(await Promise.all(looks));
  }

  /** Takes note that a visitor found nothing at an address. */
  failed(address: string): void {
    this.#watches.get(address)?.failed();
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
  }
}
