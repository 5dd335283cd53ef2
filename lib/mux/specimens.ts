/**
 * Keeps one object of each kind that comes and goes with a request: those of the latest.
 *
 * V8 throws compiled code away with the last object of a shape that it was compiled for, and an idle program is
 * collected whole. The first requests after a pause would cost half as much again, until all is compiled anew.
 */
export class Specimens {
  #kept: readonly object[] = [];

  /** Lets these take the place of the ones before; what they refer to is kept with them. */
  keep(...objects: readonly object[]): void {
    this.#kept = objects;
  }

  /** The latest, in the order in which they were given. */
  get kept(): readonly object[] {
    return this.#kept;
  }
}
