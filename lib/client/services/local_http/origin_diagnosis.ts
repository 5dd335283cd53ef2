import { FOREIGN_ADVICE, type ForeignProtocol } from "../../../http/foreign_protocol.ts";
import { OriginError } from "../../../http/origin_error.ts";
import type { Dialer } from "../../../net/dialer.ts";
import { probeOrigin } from "./origin_probe.ts";

/** Milliseconds for which what was found out holds: a minute, in which the owner may start something else there. */
const HOLDS = 60_000;

/** What a server of TLS often answers to a request without. */
const BAD_REQUEST = 400;

/**
 * Finds the reason where an origin that has never answered in HTTP closes without a word: it may speak TLS, or HTTP/2
 * alone, and most of their servers say nothing then. At most two connections a minute are made for that.
 */
export class OriginDiagnosis {
  readonly #dialer: Dialer;
  readonly #onForeign: (advice: string) => void;
  #isHTTP = false;
  #asked: Promise<ForeignProtocol | null> | null = null;
  /** When it was asked, in ms of `performance.now()`. */
  #askedAt = -Infinity;

  /** Takes what makes connections to the origin, and what hears that it speaks something else though it answered. */
  constructor(dialer: Dialer, onForeign: (advice: string) => void) {
    this.#dialer = dialer;
    this.#onForeign = onForeign;
  }

  /** Whether the origin has shown that it speaks HTTP. */
  get isHTTP(): boolean {
    return this.#isHTTP;
  }

  /** Notes that the origin has answered. */
  async answered(status: number): Promise<void> {
    this.#isHTTP = status !== BAD_REQUEST;
    if (this.#isHTTP) return;
    const spoken = await this.#ask();
    if (spoken !== null) this.#onForeign(FOREIGN_ADVICE[spoken]);
  }

  /** Returns the error that tells more, for an exchange that was cut, or the same one. */
  async explained(error: unknown): Promise<unknown> {
    const isDoubtful = error instanceof OriginError && error.code === "cut";
    const spoken = isDoubtful && !this.#isHTTP ? await this.#ask() : null;
    if (spoken === null) return error;
    return new OriginError("malformed", FOREIGN_ADVICE[spoken], { cause: error });
  }

  #ask(): Promise<ForeignProtocol | null> {
    const now = performance.now();
    if (this.#asked !== null && now - this.#askedAt < HOLDS) return this.#asked;
    this.#askedAt = now;
    return this.#asked = probeOrigin(this.#dialer);
  }
}
