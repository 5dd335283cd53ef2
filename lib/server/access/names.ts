import { RegistrationError } from "../../wire/registration_error.ts";
import { type Bus, BusError } from "../bus/bus.ts";
import { MAX_NAMES_OF_KEY, NameQuotas } from "./name_quotas.ts";

/** Milliseconds that a name stays its owner's after the last connection: a night's sleep and a day's work. */
const KEPT = 24 * 60 * 60 * 1000;

/** Milliseconds between two renewals: a bus may be away for some of them and nothing is lost. */
const RENEWAL = 60 * 60 * 1000;

export interface NamesOptions {
  readonly bus: Pick<Bus, "claimName" | "onChange">;
  /** Called when a name in use turns out to be another key's, as after the bus forgot everything. */
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
    let current: string;
    try {
      current = await this.#options.bus.claimName(name, owner, KEPT);
    } catch (cause) {
      if (!(cause instanceof BusError)) throw cause;
      // The owner was found out before, and for a day.
      if (this.#held.get(name)?.owner === owner) return;
      const reason = "the server cannot tell now whether the name is free";
      throw new RegistrationError("try_again", reason, false, { cause });
    }
    if (current !== owner) {
      this.#quotas.giveBack(owner, name);
      throw new RegistrationError("name_taken", `the name ${name} belongs to another key`);
    }
  }

  /** Keeps a claimed name until what this returns is called, once. */
  hold(name: string, owner: string): () => void {
    const held = this.#held.get(name) ?? { owner, connections: 0 };
    held.connections++;
    this.#held.set(name, held);
    this.#timer ??= setInterval(() => void this.#renew(), RENEWAL);
    return () => this.#release(name, held);
  }

  #release(name: string, held: Held): void {
    if (--held.connections > 0) return;
    this.#held.delete(name);
    if (this.#held.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    this.#quotas.take(held.owner, name);
    // The day begins now; without the bus it began at the last renewal.
    this.#options.bus.claimName(name, held.owner, KEPT).catch(() => {});
  }

  async #renew(): Promise<void> {
    for (const [name, { owner }] of [...this.#held]) {
      this.#quotas.take(owner, name);
      try {
        const current = await this.#options.bus.claimName(name, owner, KEPT);
        if (current !== owner) this.#options.onLost(name, owner);
      } catch {
        // The bus is away: the next renewal comes long before any name runs out.
        return;
      }
    }
  }
}
