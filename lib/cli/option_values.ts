import { type Flag, type Flags, isComplete, SecretError } from "./flags.ts";
import { didYouMean } from "./did_you_mean.ts";
import { quoted, quotedOpenly } from "./safe_text.ts";

/** Says that a program gave an option that does not exist, or a value that it cannot have. */
export class OptionError extends Error {
  /** The name of the class. */
  override readonly name = "OptionError";
  /** The same for all of them. */
  readonly code = "bad_option";
  /** The option that is meant. */
  readonly option: string;

  /** Makes an error whose message begins with the option's name. */
  constructor(option: string, problem: string, options?: ErrorOptions) {
    super(`the option ${option} ${problem}`, options);
    this.option = option;
  }
}

/** Reads what a program gave for an option, by the option's flag. @throws {OptionError} for a value that it cannot have. */
export function optionValue<T>(option: string, flag: Flag<T>, value: unknown): T {
  try {
    return flag.accept(value);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const seen = cause instanceof SecretError ? "" : `, not ${shown(value)}`;
    throw new OptionError(option, `${cause.message}${seen}`, { cause });
  }
}

/** Reads what a program gave for all options of a table. @throws {OptionError} at the first value that is wrong. */
export function optionValues<Values>(
  flags: Flags<Values>,
  given: { readonly [Option in keyof NoInfer<Values>]?: unknown },
): Values {
  const values: Partial<Values> = {};
  for (const option in flags) values[option] = optionValue(option, flags[option], given[option]);
  if (!isComplete(values, flags)) throw new TypeError("an option has no value");
  return values;
}

/** @throws {OptionError} for a name that no option has: a value that is passed over may be a lock. */
export function refuseOthers(given: object, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) throw new TypeError("the options are no object");
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const meant = didYouMean(option, known);
    throw new OptionError(option, `does not exist; there are ${known.join(", ")}${meant}`);
  }
}

function shown(value: unknown): string {
  if (typeof value === "string") return quotedOpenly(value);
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  const isPlain = typeof value === "number" || typeof value === "boolean" || value === null;
  return isPlain ? String(value) : quoted(`a value of the type ${typeof value}`);
}
