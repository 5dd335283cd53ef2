import type { Bus } from "../bus/bus.ts";

/** The lock of the node that orders, on the bus. */
const NAME = "acme:order";

/** Milliseconds after which another node orders when this one has died. */
const LIFETIME = 60_000;

/** Milliseconds between prolongations: two may be lost. */
const PROLONG = LIFETIME / 3;

/** Lets one node of a domain order at a time, so that it costs one of the certificates that an authority allows. */
export class OrderLock {
  readonly #bus: Bus;
  readonly #holder = crypto.randomUUID();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Does something while no other node does; false, without doing it, when one does. @throws {BusError} */
  async run(act: () => Promise<void>): Promise<boolean> {
    const take = () => this.#bus.lock(NAME, this.#holder, LIFETIME);
    if (!await take()) return false;
    // One that fails is made up for by the next; where none is, another node orders as well, and the later certificate counts.
    const timer = setInterval(() => void take().catch(() => {}), PROLONG);
    try {
      await act();
    } finally {
      clearInterval(timer);
      await this.#bus.unlock(NAME, this.#holder).catch(() => {});
    }
    return true;
  }
}
