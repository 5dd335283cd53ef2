import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { MAX_LIFETIME } from "./bus_limits.ts";
import type { Bus } from "./bus.ts";
import { Seal, type SealOptions } from "./seal.ts";

/** What these keys are for. */
const PURPOSE = "tunnel: texts on the bus";

export interface SealingOptions extends Omit<SealOptions, "purpose"> {
  readonly bus: Bus;
}

/** Keeps texts on the bus that who has no share in a secret can neither read nor make. Each is bound to its name. */
export class SealedTexts {
  readonly #bus: Bus;
  readonly #seal: Seal;

  private constructor(bus: Bus, seal: Seal) {
    this.#bus = bus;
    this.#seal = seal;
  }

  static async make({ bus, secret, domain }: SealingOptions): Promise<SealedTexts> {
    return new SealedTexts(bus, await Seal.make({ secret, domain, purpose: PURPOSE }));
  }

  /** Keeps a text for `lifetime` milliseconds. @throws {BusError} */
  async keep(name: string, text: string, lifetime: number = MAX_LIFETIME): Promise<void> {
    await this.#bus.keepText(name, encodeBase64(await this.#seal.close(text, name)), lifetime);
  }

  /** Returns a text; null when there is none that a node with this secret has kept. @throws {BusError} */
  async find(name: string): Promise<string | null> {
    const kept = await this.#bus.findText(name);
    if (kept === null) return null;
    let whole: Uint8Array<ArrayBuffer>;
    try {
      whole = decodeBase64(kept);
    } catch {
      return null;
    }
    return await this.#seal.open(whole, name);
  }
}
