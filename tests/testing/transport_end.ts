import type { Transport, TransportEvents } from "../../lib/mux/transport.ts";
import { within } from "./within.ts";

/** Notes what a transport tells. */
export class TransportEnd<T extends Transport = Transport> implements TransportEvents {
  readonly transport: T;
  readonly messages: Uint8Array[] = [];
  readonly closes: string[] = [];
  sent = 0;
  drains = 0;
  unheard = 0;
  readonly #closed = Promise.withResolvers<void>();
  #arrived: () => void = () => {};

  constructor(transport: T) {
    this.transport = transport;
    transport.start(this);
  }

  get closed(): Promise<void> {
    return within(this.#closed.promise, "the close");
  }

  /** Waits until so many messages have come since the beginning. */
  async count(messages: number): Promise<void> {
    while (this.messages.length < messages) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrived = resolve;
      await within(promise, `message ${this.messages.length + 1}`);
    }
  }

  onMessage(message: Uint8Array): void {
    this.messages.push(message);
    this.#arrived();
  }

  onSent(bytes: number): void {
    this.sent += bytes;
  }

  onDrain(): void {
    this.drains++;
  }

  onUnheard(): void {
    this.unheard++;
  }

  onClose(reason: string): void {
    this.closes.push(reason);
    this.#closed.resolve();
  }
}
