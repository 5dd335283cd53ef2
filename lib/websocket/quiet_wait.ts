/** Milliseconds without anything new after which it is quiet: more than a peer's turn takes on a busy machine. */
const QUIET = 200;

/** Milliseconds after which it is as good as quiet, whatever still comes: a flood may have no end. */
const MAX_WAIT = 2000;

/** Waits until a peer has sent nothing for a while. */
export class QuietWait {
  #begun = 0;
  #lastHeard = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Whether the call is still to come. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Calls back once it is quiet, 200 ms from now at the earliest and 2 s at the latest. */
  begin(onQuiet: () => void): void {
    this.#begun = this.#lastHeard = performance.now();
    this.#look(onQuiet);
  }

  /** Notes that something came. */
  heard(): void {
    this.#lastHeard = performance.now();
  }

  /** Ends the wait without the call. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(onQuiet: () => void): void {
    const end = Math.min(this.#lastHeard + QUIET, this.#begun + MAX_WAIT);
    const rest = end - performance.now();
    if (rest > 0) {
      this.#timer = setTimeout(() => this.#look(onQuiet), rest);
      return;
    }
    this.#timer = undefined;
    onQuiet();
  }
}
