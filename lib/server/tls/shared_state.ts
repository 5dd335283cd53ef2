import type { Log } from "../../cli/log.ts";
import { messageOf } from "../../cli/safe_text.ts";
import type { SealedTexts } from "../bus/sealed_texts.ts";
import type { StateFolder } from "../state_folder.ts";
import type { StateTexts } from "./acme_state.ts";

export interface SharedStateOptions {
  readonly texts: SealedTexts;
  /** What this node keeps of it: a bus may forget. */
  readonly folder: StateFolder;
  readonly log: Log;
}

/**
 * Keeps texts for all nodes of a domain on their bus, and a copy of each in a folder of this node's, which counts while
 * the bus is away or has forgotten.
 */
export class SharedState implements StateTexts {
  readonly #options: SharedStateOptions;

  constructor(options: SharedStateOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.folder.path;
  }

  async read(name: string): Promise<string | null> {
    const { texts, folder } = this.#options;
    const own = await folder.read(name);
    let shared: string | null;
    try {
      shared = await texts.find(onBus(name));
    } catch (error) {
      this.#away(error);
      return own;
    }
    if (shared === null && own !== null) await this.#share(name, own);
    else if (shared !== null && shared !== own) await folder.write(name, shared);
    return shared ?? own;
  }

  async write(name: string, text: string): Promise<void> {
    await this.#options.folder.write(name, text);
    await this.#share(name, text);
  }

  async #share(name: string, text: string): Promise<void> {
    try {
      await this.#options.texts.keep(onBus(name), text);
    } catch (error) {
      this.#away(error);
    }
  }

  #away(error: unknown): void {
    const reason = messageOf(error);
    // That the bus is away is told once, by who watches it.
    this.#options.log.debug("what the nodes share of the certificate is out of reach", { reason });
  }
}

function onBus(name: string): string {
  return `acme:${name}`;
}
