/**
 * Draws the same numbers again for the same seed, so that a failure of a random test can be repeated:
 * a chosen seed is printed, and `SEED` sets it.
 */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** Begins at a seed; without one it is chosen and printed. */
  constructor(seed?: number) {
    this.seed = (seed ?? chosenSeed()) >>> 0;
    this.#state = this.seed;
    if (seed === undefined) console.log(`SEED=${this.seed}`);
  }

  /** Returns a whole number from 0 to 2^32 - 1 (Mulberry32: short, and good enough to pick sizes and bytes). */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Returns a whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uint32() / 2 ** 32 * (high - low + 1));
  }

  /** Returns one of the items. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.integer(0, items.length - 1)] ?? items[0];
  }

  /** Returns true once in so many times. */
  oneIn(times: number): boolean {
    return this.integer(1, times) === 1;
  }

  /** Returns so many bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.uint32();
    return new Uint8Array(words.buffer, 0, length);
  }
}

/** Returns the seed that `SEED` gives, or null. */
export function givenSeed(): number | null {
  const given = Number(Deno.env.get("SEED"));
  return given > 0 ? given : null;
}

function chosenSeed(): number {
  return givenSeed() ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}
