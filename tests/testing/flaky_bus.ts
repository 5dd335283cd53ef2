import {
  type Bus,
  BusError,
  type MessageHandler,
  type NameAnswer,
  type NameClaim,
  type NodeRecord,
} from "../../lib/server/bus/bus.ts";

/** A bus that goes away and comes back at the test's word, and loses messages. */
export class FlakyBus implements Bus {
  readonly #bus: Bus;
  readonly #listeners: ((isUp: boolean) => void)[] = [];
  #isUp = true;
  /** Messages that were sent. */
  sent = 0;
  /** Messages to lose without a word, of those sent next. */
  toLose = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get isUp(): boolean {
    return this.#isUp && this.#bus.isUp;
  }

  get outage(): string | null {
    return this.#isUp ? this.#bus.outage : "the test says so";
  }

  /** Takes the bus away, or brings it back. */
  set(isUp: boolean): void {
    this.#isUp = isUp;
    for (const listener of this.#listeners) listener(isUp);
  }

  onChange(listener: (isUp: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async keepNode(node: NodeRecord, lifetime: number): Promise<void> {
    await this.#up.keepNode(node, lifetime);
  }

  async dropNode(id: string): Promise<void> {
    await this.#up.dropNode(id);
  }

  async findNode(id: string): Promise<NodeRecord | null> {
    return await this.#up.findNode(id);
  }

  async announce(node: string, hostnames: readonly string[], lifetime: number): Promise<void> {
    await this.#up.announce(node, hostnames, lifetime);
  }

  async withdraw(node: string, hostnames: readonly string[]): Promise<void> {
    await this.#up.withdraw(node, hostnames);
  }

  async locate(hostname: string): Promise<readonly string[]> {
    return await this.#up.locate(hostname);
  }

  async send(node: string, message: Uint8Array): Promise<boolean> {
    const bus = this.#up;
    this.sent++;
    if (this.toLose > 0) {
      this.toLose--;
      return true;
    }
    return await bus.send(node, message);
  }

  async receive(node: string, handle: MessageHandler): Promise<void> {
    await this.#bus.receive(node, (message) => {
      if (this.#isUp) handle(message);
    });
    // Rejects while it is away, and yet holds.
    void this.#up;
  }

  async putTicket(ticket: string, value: string, lifetime: number): Promise<void> {
    await this.#up.putTicket(ticket, value, lifetime);
  }

  async takeTicket(ticket: string): Promise<string | null> {
    return await this.#up.takeTicket(ticket);
  }

  async claimName(claim: NameClaim): Promise<NameAnswer> {
    return await this.#up.claimName(claim);
  }

  async keepText(name: string, text: string, lifetime: number): Promise<void> {
    await this.#up.keepText(name, text, lifetime);
  }

  async findText(name: string): Promise<string | null> {
    return await this.#up.findText(name);
  }

  async lock(name: string, holder: string, lifetime: number): Promise<boolean> {
    return await this.#up.lock(name, holder, lifetime);
  }

  async unlock(name: string, holder: string): Promise<void> {
    await this.#up.unlock(name, holder);
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }

  get #up(): Bus {
    if (!this.#isUp) throw new BusError("the bus is away: the test says so");
    return this.#bus;
  }
}
