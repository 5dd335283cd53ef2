import { RegistrationError } from "../../wire/registration_error.ts";
import { type Bus, BusError } from "../bus/bus.ts";
import { MAX_NAMES_OF_KEY, NameQuotas } from "./name_quotas.ts";

/** Milliseconds that a name stays its owner's after the last connection: a night's sleep and a day's work. */
const KEPT = 24 * 60 * 60 * 1000;

/** Milliseconds between two renewals: a bus may be away for some of them and nothing is lost. */
const RENEWAL = 60 * 60 * 1000;

/** Milliseconds between two looks whether the bus has forgotten what it knew; most often the connection to it tells. */
const LOOK = 5_000;

/**
 * Milliseconds in which a bus that may have forgotten everything gives names only to those that hold them. A node notices
 * a loss within 4 s, is connected again 4 s after the bus is back, or else looks every 5 s; then it says all its names.
 */
const SETTLING = 15_000;

/** Names said at once: a fraction of what a bus lets wait for its answers. */
const AT_ONCE = 100;

export interface NamesOptions {
  readonly bus: Pick<Bus, "claimName" | "onChange">;
  /** Called when a name in use turns out to be another key's; it is held no more. */
  readonly onLost: (name: string, owner: string) => void;
}

interface Held {
  readonly owner: string;
  connections: number;
}

/** Gives names to the first keys that ask, and keeps them theirs while they are connected and for a day after. */
export class Names {
  readonly #options: NamesOptions;
  /** Names in use on this node, at most as many as there are connections. */
  readonly #held = new Map<string, Held>();
  /** Without quotas one key could take every free name, each for a day. */
  readonly #quotas = new NameQuotas(KEPT);
  #timer: ReturnType<typeof setInterval> | null = null;
  /** What the bus said last of its memory. */
  #memory: string | null = null;
  #renewed = performance.now();
  #isRenewing = false;
  /** Whether all names are to be said once more, since the bus may have forgotten those that were said first. */
  #isDue = false;

  constructor(options: NamesOptions) {
    this.#options = options;
    options.bus.onChange((isUp) => {
      if (isUp) void this.#renew();
    });
  }

  /**
   * Makes a name the owner's.
   *
   * @throws {RegistrationError} `name_taken` when it is another's, `bad_name` when the owner has too many, `try_again`
   * when the bus cannot tell.
   */
  async claim(name: string, owner: string): Promise<void> {
    // Counted before the bus answers: one key may ask for many names at once.
    if (!this.#quotas.take(owner, name)) {
      const reason =
        `the name ${name} is not given: this key has ${MAX_NAMES_OF_KEY} names already`;
      throw new RegistrationError("bad_name", reason);
    }
    let current: string | null;
    try {
      // A bus that has forgotten everything would give away a name that is in use here, so its holder asks first.
      current = await this.#ask(name, this.#held.get(name)?.owner ?? owner);
    } catch (cause) {
      if (!(cause instanceof BusError)) throw cause;
      // The owner was found out before, and for a day.
      if (this.#held.get(name)?.owner === owner) return;
      const reason = "the server cannot tell now whether the name is free";
      throw new RegistrationError("try_again", reason, false, { cause });
    }
    if (current === owner) return;
    this.#quotas.giveBack(owner, name);
    if (current !== null) throw taken(name);
    const reason = "the server cannot tell yet whether the name is free: " +
      "its memory of names is new, and whoever has it may say so first";
    throw new RegistrationError("try_again", reason, false);
  }

  /** Keeps a claimed name until what this returns is called, once. */
  hold(name: string, owner: string): () => void {
    const held = this.#held.get(name) ?? { owner, connections: 0 };
    held.connections++;
    this.#held.set(name, held);
    this.#timer ??= setInterval(() => void this.#look(), LOOK);
    return () => this.#release(name, held);
  }

  #release(name: string, held: Held): void {
    held.connections--;
    // One that was lost is not held any more.
    if (held.connections > 0 || this.#held.get(name) !== held) return;
    this.#quotas.take(held.owner, name);
    // The day begins now; without the bus it began at the last renewal.
    this.#ask(name, held.owner).catch(() => {});
    this.#drop(name);
  }

  #drop(name: string): void {
    this.#held.delete(name);
    if (this.#held.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Returns who has the name now; null when the bus does not give it yet. @throws {BusError} */
  async #ask(name: string, owner: string): Promise<string | null> {
    const isHeld = this.#held.get(name)?.owner === owner;
    const claim = { name, owner, lifetime: KEPT, isHeld, settling: SETTLING };
    const { owner: current, memory } = await this.#options.bus.claimName(claim);
    const isNew = this.#memory !== null && this.#memory !== memory;
    this.#memory = memory;
    if (isNew) void this.#renew();
    return current;
  }

  /** Says one name, which shows whether the bus still knows the others, or all of them when that is due. */
  async #look(): Promise<void> {
    const [first] = this.#held;
    if (first === undefined || this.#isRenewing) return;
    if (performance.now() - this.#renewed >= RENEWAL) await this.#renew();
    else await this.#say(first);
  }

  /** Says all names, one time after the other. Never rejects. */
  async #renew(): Promise<void> {
    this.#isDue = true;
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    while (this.#isDue) {
      this.#isDue = false;
      this.#renewed = performance.now();
      const all = [...this.#held];
      for (let at = 0; at < all.length; at += AT_ONCE) {
        await Promise.all(all.slice(at, at + AT_ONCE).map((name) => this.#say(name)));
      }
    }
    this.#isRenewing = false;
  }

  /** Says again that a name is held, and hears when it is another's. Never rejects. */
  async #say([name, held]: readonly [name: string, held: Held]): Promise<void> {
    const { owner } = held;
    // It may be free by now, or somebody else's.
    if (this.#held.get(name) !== held) return;
    this.#quotas.take(owner, name);
    try {
      const current = await this.#ask(name, owner);
      if (current === null || current === owner || this.#held.get(name) !== held) return;
      this.#drop(name);
      this.#quotas.giveBack(owner, name);
      this.#options.onLost(name, owner);
    } catch {
      // The bus is away: the next renewal comes long before any name runs out.
    }
  }
}

function taken(name: string): RegistrationError {
  return new RegistrationError("name_taken", `the name ${name} belongs to another key`);
}
