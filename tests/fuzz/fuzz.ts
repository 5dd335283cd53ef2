import { givenSeed, SeededRandom } from "../testing/seeded_random.ts";

/** Seconds that all properties together are tried when `FUZZ_SECONDS` does not say it: they belong to every run of the tests. */
const DEFAULT_SECONDS = 5;

/** Properties that share those seconds. */
const PROPERTIES = 20;

/**
 * Tries a property on one random case after the other. Each has a seed of its own, which is shown when it fails;
 * with `SEED` in the environment that one case is tried alone.
 */
export function fuzz(name: string, tryCase: (random: SeededRandom) => void | Promise<void>): void {
  Deno.test(name, async () => {
    const only = givenSeed();
    if (only !== null) return await tryCase(new SeededRandom(only));
    const seeds = new SeededRandom(crypto.getRandomValues(new Uint32Array(1))[0] ?? 1);
    const started = performance.now();
    const milliseconds = secondsInAll() * 1000 / PROPERTIES;
    let cases = 0;
    for (let elapsed = 0; elapsed < milliseconds; elapsed = performance.now() - started) {
      // Zero stands for no seed.
      const seed = seeds.integer(1, 0xffff_ffff);
      try {
        await tryCase(new SeededRandom(seed));
      } catch (cause) {
        throw new Error(`failed with SEED=${seed}, after ${cases} cases`, { cause });
      }
      cases++;
    }
    const rate = Math.round(cases * 1000 / (performance.now() - started));
    console.log(`${cases} cases, ${rate} a second`);
  });
}

function secondsInAll(): number {
  const given = Number(Deno.env.get("FUZZ_SECONDS"));
  return given > 0 ? given : DEFAULT_SECONDS;
}
