export interface PeerWatchOptions {
  /** Milliseconds of silence after which a peer that answers no ping is given up; 0 for never, and no pings. @default 0 */
  readonly idleTimeout?: number;
  /** Milliseconds in which a peer has to take some of what waits for it. @default for ever */
  readonly stallTimeout?: number;
}

/** What is to be done about a peer: it is given up, or asked for a sign of life. */
export type PeerState = "alive" | "ping" | "gone";

/** Notes that a peer sends and takes, without a clock, and tells at each look since when it does neither. */
export class PeerWatch {
  readonly #idleTimeout: number;
  readonly #stallTimeout: number;
  /** Whether something came since the last look, and when something did, by the clock of the looks. */
  #isHeard = true;
  #lastHeard = 0;
  #isPinged = false;
  /** Whether something left since the last look, and when something did. */
  #hasTaken = true;
  #lastTaken = 0;

  constructor({ idleTimeout = 0, stallTimeout = Infinity }: PeerWatchOptions) {
    this.#idleTimeout = idleTimeout;
    this.#stallTimeout = stallTimeout;
  }

  /** Notes that something came, or could not have been heard. */
  heard(): void {
    this.#isHeard = true;
  }

  /** Notes that the peer took something. */
  taken(): void {
    this.#hasTaken = true;
  }

  /** Looks at the time, in milliseconds; `isWriting` says that something waits for the peer, `isDeaf` that nobody reads. */
  look(
    now: number,
    { isWriting, isDeaf }: { readonly isWriting: boolean; readonly isDeaf: boolean },
  ): PeerState {
    if (this.#hasTaken || !isWriting) this.#lastTaken = now;
    this.#hasTaken = false;
    if (this.#isHeard || isDeaf) {
      this.#lastHeard = now;
      this.#isPinged = false;
    }
    this.#isHeard = false;
    if (now - this.#lastTaken > this.#stallTimeout) return "gone";
    const silence = now - this.#lastHeard;
    if (this.#idleTimeout === 0) return "alive";
    // However seldom the looks are, it is asked before it is given up.
    if (silence > this.#idleTimeout && this.#isPinged) return "gone";
    if (silence * 2 < this.#idleTimeout || this.#isPinged) return "alive";
    this.#isPinged = true;
    return "ping";
  }
}
