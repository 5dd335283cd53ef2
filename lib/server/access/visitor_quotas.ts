import { Tally } from "../../net/tally.ts";
import { networkOf } from "../../net/ip_address.ts";

/** One visitor may have this part of a tunnel's streams, as a divisor: half of them are left for all others. */
const PART = 2;

/** Streams that a visitor may have in any case: what a page in one browser asks for at once over HTTP/2. */
const LEAST = 100;

/** Counts the streams that each visitor has open at each tunnel, so that no visitor takes all of them. */
export class VisitorQuotas {
  readonly #most: number;
  /** By tunnel and then by network: as many entries at most as streams are open. */
  readonly #open = new Map<string, Tally<string>>();

  /** `streams` is what a tunnel may have at once; `most` what one visitor may have of them, null for half, or for 100 where that is more. */
  constructor(streams: number, most: number | null) {
    this.#most = most ?? Math.max(LEAST, Math.floor(streams / PART));
  }

  /** Whether a visitor may have one more stream at the tunnel of that id. */
  hasRoom(id: string, address: string): boolean {
    return (this.#open.get(id)?.count(networkOf(address)) ?? 0) < this.#most;
  }

  /** Counts a stream until the returned function is called; that may be more than once, for a visit has several ends. */
  enter(id: string, address: string): () => void {
    const network = networkOf(address);
    const open = this.#open.get(id) ?? new Tally();
    if (open.size === 0) this.#open.set(id, open);
    open.add(network);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      open.remove(network);
      if (open.size === 0) this.#open.delete(id);
    };
  }
}
