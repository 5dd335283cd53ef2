import { createHmac } from "node:crypto";
import type { Log } from "../../cli/log.ts";
import { messageOf } from "../../cli/safe_text.ts";
import { BanRecords } from "../access/ban_records.ts";
import type { DenyList } from "../access/deny_list.ts";
import { type Bus, BusError } from "../bus/bus.ts";
import { SealedTexts } from "../bus/sealed_texts.ts";

/** Milliseconds between looks at the bus: a node is told of each ban, and a message can be lost. */
const INTERVAL = 10_000;

export interface SharedBansOptions {
  readonly bus: Bus;
  /** The operator's: the nodes that have the same one share their bans. */
  readonly secret: string;
  readonly domain: string;
  readonly denyList: DenyList;
  /** Bans came from elsewhere, or were lifted there. */
  readonly onChange: () => void;
  /** More is on the bus than was there, at which the others are to look. */
  readonly onShared: () => void;
  readonly log: Log;
}

/**
 * Keeps the bans of a domain on its bus, for nodes that start later or have missed one. Each node has a list of its own
 * that holds while the bus is away; the two are merged, so it does not matter which of them knows more.
 */
export class SharedBans {
  readonly #options: SharedBansOptions;
  readonly #texts: Promise<SealedTexts>;
  readonly #name: string;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void>;
  #next: Promise<void> | null = null;
  #isClosed = false;

  /** Begins to share. */
  constructor(options: SharedBansOptions) {
    this.#options = options;
    const { bus, secret } = options;
    this.#texts = SealedTexts.make(options);
    this.#name = nameOf(secret);
    this.#running = this.#merge();
    bus.onChange((isUp) => isUp && void this.sync());
    this.#timer = setInterval(() => void this.sync(), INTERVAL);
  }

  /** Merges the node's bans and the bus', and resolves when both have all, or the bus is away. Never rejects. */
  sync(): Promise<void> {
    // What was decided since the present look began is in the next one, for all who ask meanwhile.
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      this.#running = this.#merge();
      return this.#running;
    });
    return this.#next;
  }

  /** Looks no more, and resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#next;
    await this.#running;
  }

  async #merge(): Promise<void> {
    const { denyList, onChange, onShared, log } = this.#options;
    try {
      const texts = await this.#texts;
      if (this.#isClosed) return;
      const shared = this.#parse(await texts.find(this.#name));
      const { hasChanged, unkept } = await denyList.merge(shared);
      if (hasChanged) onChange();
      if (unkept !== null) log.warn("bans of other nodes are not kept", { reason: unkept });
      const { records } = denyList;
      if (shared.merged(records) === shared) return;
      await texts.keep(this.#name, records.text);
      // Another node may have written at the same time, and this has taken its place: it looks, and adds what is missing.
      onShared();
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      log.debug("bans are not shared now", { reason: error.message });
    }
  }

  #parse(text: string | null): BanRecords {
    if (text === null) return BanRecords.none;
    try {
      return BanRecords.parse(text);
    } catch (error) {
      const reason = messageOf(error);
      this.#options.log.warn("what another node shares is no list of bans", { reason });
      return BanRecords.none;
    }
  }
}

/** Nodes with another secret cannot read each other's bans, and do not overwrite them. */
function nameOf(secret: string): string {
  const digest = createHmac("sha256", secret).update("tunnel: name of the bans").digest(
    "base64url",
  );
  return `bans:${digest.slice(0, 16)}`;
}
