/** Milliseconds to the second probe; each next one waits twice as long as the one before. */
const FIRST_WAIT = 100;

/**
 * Finds out whether a visitor that has ended its side of the connection is still there: one who waits for the answer and one
 * who has left look alike, until something is sent.
 */
export class Presence {
  readonly #probe: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = FIRST_WAIT;
  #isBegun = false;

  /** `probe` sends an octet that changes nothing, and returns false when there is none. */
  constructor(probe: () => boolean) {
    this.#probe = probe;
  }

  begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#wait = FIRST_WAIT;
    this.#look();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#isBegun = false;
  }

  readonly #look = (): void => {
    this.#probe();
    this.#timer = setTimeout(this.#look, this.#wait);
    this.#wait *= 2;
  };
}
