import type { Log } from "../../cli/log.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { pause } from "./pause.ts";

/** Milliseconds to wait until what was set can be seen: a provider's servers take about a minute to tell each other. */
const SEEN_WITHIN = 120_000;

/** Milliseconds between questions. */
const ASK_AGAIN = 3_000;

/** Who is asked: the system's resolver, one at an address, or nobody. */
export type Resolver = "system" | "off" | { readonly ipAddr: string; readonly port: number };

export const SYSTEM_RESOLVER: Resolver = "system";

export interface DNSLookupOptions {
  readonly resolver: Resolver;
  /** Said in the log when the texts are not there at once. */
  readonly advice: string;
  readonly log: Log;
}

/**
 * Looks for TXT records before an authority is asked to, which counts failures.
 *
 * It only puts the authority off: a resolver here may see less than one elsewhere, and remember for long what was not there.
 */
export class DNSLookup {
  readonly #options: DNSLookupOptions;

  constructor(options: DNSLookupOptions) {
    this.#options = options;
  }

  /** Waits until all texts are seen under the name, it cannot be told, or two minutes are over. */
  async seen(name: string, texts: readonly string[], signal: AbortSignal): Promise<void> {
    const { advice, log } = this.#options;
    const end = performance.now() + SEEN_WITHIN;
    for (let isFirst = true; performance.now() < end; isFirst = false) {
      const found = await this.#ask(name, signal);
      if (found === null || texts.every((text) => found.includes(text))) return;
      if (isFirst) log.warn(`${name} does not show yet what this server has for it. ${advice}`);
      await pause(ASK_AGAIN, signal);
    }
  }

  /** Returns the texts that are there; null when it cannot be told. */
  async #ask(name: string, signal: AbortSignal): Promise<readonly string[] | null> {
    const { resolver, log } = this.#options;
    if (resolver === "off") return null;
    // A dot at the end keeps the system's own domain from being put behind it.
    const options = resolver === "system" ? { signal } : { signal, nameServer: resolver };
    try {
      const records = await Deno.resolveDns(`${name}.`, "TXT", options);
      return records.map((parts) => parts.join(""));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Deno.errors.NotFound) return [];
      log.debug("the resolver cannot be asked", { name, reason: messageOf(error) });
      return null;
    }
  }
}
