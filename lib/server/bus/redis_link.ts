import { Backoff } from "../../net/backoff.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { BusError, type MessageHandler } from "./bus.ts";
import type { RedisAddress } from "./redis_address.ts";
import { RedisConnection, type RedisWord } from "./redis_connection.ts";

/** Two connections: on one that receives messages, answers would wait behind them. */
interface Pair {
  readonly commands: RedisConnection;
  readonly messages: RedisConnection;
}

/** The connections to Redis, made anew each time they are lost. */
export class RedisLink {
  /** Settles once the first attempt has come to something. */
  readonly firstAttempt: Promise<void>;
  readonly #address: RedisAddress;
  readonly #probe: readonly RedisWord[];
  readonly #backoff = new Backoff({ first: FIRST_STEP, most: LONGEST_STEP });
  readonly #listeners: ((isUp: boolean) => void)[] = [];
  readonly #receivers = new Map<string, MessageHandler>();
  readonly #first = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #pair: Pair | null = null;
  #commands: RedisConnection | null = null;
  #outage: string | null = "not connected yet";
  #isClosed = false;

  /** @param probe a command that succeeds only where Redis can do all that will be asked of it. */
  constructor(address: RedisAddress, probe: readonly RedisWord[]) {
    this.#address = address;
    this.#probe = probe;
    this.firstAttempt = this.#first.promise;
    this.#running = this.#run();
  }

  /** Tells whether Redis answers and every channel is received. */
  get isUp(): boolean {
    return this.#commands !== null;
  }

  get outage(): string | null {
    return this.#outage;
  }

  onChange(listener: (isUp: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Gives a command and returns its answer. @throws {BusError} at once while there is no connection. */
  async ask(words: readonly RedisWord[]): Promise<unknown> {
    if (this.#commands === null) throw new BusError(this.#outage ?? CLOSED);
    return await this.#commands.ask(words);
  }

  /** Gives what is published in a channel to `handle`, after each loss again. @throws {BusError} */
  async receive(channel: string, handle: MessageHandler): Promise<void> {
    if (this.#isClosed) throw new BusError(CLOSED);
    const isNew = !this.#receivers.has(channel);
    if (isNew && this.#receivers.size >= MAX_CHANNELS) {
      throw new RangeError(`cannot receive for more than ${MAX_CHANNELS} nodes`);
    }
    this.#receivers.set(channel, handle);
    if (this.#commands === null || this.#pair === null) throw new BusError(this.#outage ?? CLOSED);
    if (isNew) await this.#subscribe(this.#pair, channel);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#commands = null;
    this.#outage = CLOSED;
    this.#closing.resolve();
    if (this.#pair !== null) await closePair(this.#pair);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const commands = new RedisConnection(this.#address);
      const messages = new RedisConnection(this.#address);
      const pair = this.#pair = { commands, messages };
      const ended = Promise.race([commands.ended, messages.ended]);
      try {
        await this.#open(pair);
        this.#change(commands, null);
        const since = performance.now();
        const reason = await ended;
        // Connections that break as soon as they stand must be made anew ever less often.
        if (performance.now() - since >= LONGEST_STEP) this.#backoff.reset();
        this.#change(null, reason);
      } catch (error) {
        if (!this.#isClosed) this.#outage = messageOf(error);
      }
      this.#first.resolve();
      await closePair(pair);
      if (!this.#isClosed) await waitAtMost(this.#backoff.next(), this.#closing.promise);
    }
    this.#first.resolve();
  }

  async #open(pair: Pair): Promise<void> {
    await Promise.all([pair.commands.open(), pair.messages.open()]);
    await pair.commands.ask(this.#probe);
    const subscribed = new Set<string>();
    // More channels may be wanted meanwhile. Nothing can run between the last look and the caller's next step.
    for (let missing; (missing = this.#notIn(subscribed)).length > 0;) {
      await Promise.all(missing.map((channel) => this.#subscribe(pair, channel)));
      for (const channel of missing) subscribed.add(channel);
    }
  }

  #notIn(subscribed: ReadonlySet<string>): string[] {
    return [...this.#receivers.keys()].filter((channel) => !subscribed.has(channel));
  }

  async #subscribe({ messages }: Pair, channel: string): Promise<void> {
    await messages.subscribe(channel, (message) => {
      if (!this.#isClosed) this.#receivers.get(channel)?.(message);
    });
  }

  #change(commands: RedisConnection | null, outage: string | null): void {
    if (this.#isClosed) return;
    this.#commands = commands;
    this.#outage = outage;
    this.#first.resolve();
    for (const listener of this.#listeners) listener(commands !== null);
  }
}

async function closePair({ commands, messages }: Pair): Promise<void> {
  await Promise.all([commands.close(), messages.close()]);
}

/** Milliseconds: a Redis that is restarted is back within some tenths of a second. */
const FIRST_STEP = 100;

/** Milliseconds between two attempts at most: tunnels of other nodes cannot be reached meanwhile. */
const LONGEST_STEP = 2_000;

/** Channels received: a process is one node, tests have a few. */
const MAX_CHANNELS = 64;

const CLOSED = "the bus is closed";
