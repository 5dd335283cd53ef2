/** Milliseconds after which a connection that is still open was not closed with the answer before it. */
const SETTLED = 100;

/** Milliseconds that no connection is kept after bytes came that belong to no answer: ten minutes. */
const SUSPICION = 600_000;

/**
 * Learns how an origin treats its connections, for what its words do not tell.
 *
 * A request that cannot be sent twice is lost when the origin closes just then. So it gets a connection that was used
 * before only where this origin was seen to keep them, and none that is about to be as old as one that it closed.
 */
export class OriginHabits {
  /** The shortest idle time, in ms, after which it closed a connection; 0 until it was seen to keep one. */
  #closesAfter = 0;
  /** Until when it is taken to send more than its answers, in ms of `performance.now()`. */
  #suspectUntil = -Infinity;

  /** Milliseconds that a connection may have been idle for a request that cannot be sent twice. */
  get safeIdleTime(): number {
    return this.#closesAfter / 2;
  }

  /** Whether its connections serve one exchange each for now. */
  get isSuspect(): boolean {
    return this.#suspectUntil !== -Infinity && performance.now() < this.#suspectUntil;
  }

  /** Notes that a connection served another exchange after so many ms. */
  servedAgain(idleTime: number): void {
    if (idleTime >= this.#closesAfter) this.#closesAfter = Infinity;
  }

  /** Notes that a connection has been idle for so many ms, and is still open. */
  isStillOpen(idleTime: number): void {
    if (idleTime >= SETTLED) this.servedAgain(idleTime);
  }

  /** Notes that it closed a connection without a word after so many ms. */
  closed(idleTime: number): void {
    this.#closesAfter = Math.min(this.#closesAfter, idleTime);
  }

  /** Notes that it sent bytes that belong to no answer. */
  spoke(): void {
    this.#suspectUntil = performance.now() + SUSPICION;
  }
}
