import { type Flag, integerFlag } from "../../lib/cli/flags.ts";

/** Connections that small answers are asked for over. */
export const CONNECTIONS: readonly number[] = [1, 32, 256];

/** Bytes of an answer that takes more than one read and fits a few frames, and the connections it is asked for over. */
export const MIDDLE = 100_000;
export const MIDDLE_CONNECTIONS = 32;

/** Times `--seconds` that one long body may take. */
export const TRANSFER_FACTOR = 4;

/** The flag `--seconds` of what measures rates and long bodies. */
export const SECONDS = integerFlag({
  group: "Bounds",
  help: "how long each rate is measured; a long body may take four times as long",
  default: 5,
  least: 1,
  most: 600,
});

/** Makes the flag `--megabytes`, whose default depends on how many ways the bodies go. */
export function megabytesFlag(byDefault: number): Flag<number> {
  return integerFlag({
    group: "Bounds",
    help: "length of the long bodies, in millions of bytes",
    default: byDefault,
    least: 1,
    most: 100_000,
  });
}
