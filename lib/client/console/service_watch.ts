import type { Dialer } from "../../net/dialer.ts";
import { waitAtMost } from "../../net/with_timeout.ts";

/** Milliseconds between two looks at a service that is down: as long as its owner waits gladly for the good news. */
const LOOK_AGAIN_AFTER = 2_000;

/** Milliseconds that one look takes at most. */
const LOOK_TIMEOUT = 1_000;

export interface ServiceWatchOptions {
  /** Connects to where the service should be. */
  readonly dialer: Dialer;
  /** Milliseconds between two looks while it is not there. @default 2000 */
  readonly interval?: number;
  /** It was there, and is not any more. */
  readonly onDown: () => void;
  /** It is there again, or for the first time. */
  readonly onUp: () => void;
}

/** Knows whether anything listens where the service should be: looks when it starts, and again while nothing is there. */
export class ServiceWatch implements Disposable {
  readonly #options: ServiceWatchOptions;
  readonly #ending = new AbortController();
  /** null until the first look has ended. */
  #isUp: boolean | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
  }

  /** Looks for the first time, and returns whether something listens there. */
  async start(): Promise<boolean> {
    const isUp = await this.#look();
    this.#isUp ??= isUp;
    if (!this.#isUp) this.#lookLater();
    return this.#isUp;
  }

  /** Takes note that a visitor found nothing there. */
  failed(): void {
    if (this.#isUp === false || this.#ending.signal.aborted) return;
    this.#isUp = false;
    this.#options.onDown();
    this.#lookLater();
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    clearTimeout(this.#timer);
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    if (this.#ending.signal.aborted) return;
    const { interval = LOOK_AGAIN_AFTER } = this.#options;
    this.#timer = setTimeout(() => void this.#lookAgain(), interval);
  }

  async #lookAgain(): Promise<void> {
    const isUp = await this.#look();
    if (this.#ending.signal.aborted) return;
    if (!isUp) return this.#lookLater();
    this.#isUp = true;
    this.#options.onUp();
  }

  async #look(): Promise<boolean> {
    const look = new AbortController();
    const signal = AbortSignal.any([look.signal, this.#ending.signal]);
    let isUp = false;
    const looking = this.#options.dialer.connect(signal).then((socket) => {
      isUp = true;
      socket.close();
    }, () => {});
    await waitAtMost(LOOK_TIMEOUT, looking);
    look.abort();
    return isUp;
  }
}
