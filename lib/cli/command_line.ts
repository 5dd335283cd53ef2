import { type Flag, flagName, type Flags, isComplete, SecretError } from "./flags.ts";
import { helpText } from "./help.ts";
import { quotedOpenly } from "./safe_text.ts";
import { Words } from "./words.ts";

/** Says that a command was called wrongly, in one line for the person who typed it; the exit status is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "USAGE";
}

export interface Command<Values> {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** What may stand behind the name, for the help. */
  readonly usage: string;
  readonly flags: Flags<Values>;
  readonly maxPositionals: number;
}

export type CommandLine<Values> =
  | {
    readonly kind: "run";
    readonly values: Values;
    readonly positionals: readonly string[];
    /** The options whose flags stood on the command line itself, not in the environment. */
    readonly given: ReadonlySet<keyof Values>;
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" };

/** What a command line comes to once its values are made the options of a program. */
export type ParsedCommand<Options> =
  | { readonly kind: "run"; readonly options: Options }
  | Exclude<CommandLine<unknown>, { readonly kind: "run" }>;

export type Environment =
  | Readonly<Record<string, string | undefined>>
  | ((name: string) => string | undefined);

/**
 * Reads a command's flags into typed values, with the environment under them, and under that what a file says: texts by
 * the flags' names, which are known to be right.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseCommandLine<Values>(
  command: Command<Values>,
  args: readonly string[],
  environment: Environment,
  file: ReadonlyMap<string, readonly string[]> = new Map(),
): CommandLine<Values> {
  const { flags } = command;
  const table = new Map<string, Flag<unknown>>();
  for (const option in flags) table.set(flagName(option), flags[option]);
  const words = new Words(table, args);
  if (words.isOn("help")) return { kind: "help", text: helpText(command, table) };
  if (words.isOn("version")) return { kind: "version" };
  const mistake = words.mistake();
  if (mistake !== undefined) throw new UsageError(mistake);

  const values: Partial<Values> = {};
  const given = new Set<keyof Values>();
  // The first source that knows a flag wins.
  const sources: readonly Source[] = [ownWords(words), variables(environment), settings(file)];
  for (const option in flags) {
    const flag = flags[option];
    const name = flagName(option);
    if (words.texts(name).length > 0) given.add(option);
    values[option] = readFlag(flag, findIn(sources, name, flag));
  }
  const { positionals } = words;
  const extra = positionals[command.maxPositionals];
  if (extra !== undefined) throw new UsageError(`unexpected argument ${quotedOpenly(extra)}`);
  if (!isComplete(values, flags)) throw new TypeError("a flag has no value");
  return { kind: "run", values, positionals, given };
}

/** Texts that were given for one flag. */
interface Found {
  /** Where they stand, as a message names it. */
  readonly source: string;
  readonly texts: readonly string[];
}

/** A place that texts for flags come from; returns undefined when it has no text for this flag. */
type Source = (name: string, flag: Flag<unknown>) => Found | undefined;

/** Asks the sources in turn. */
function findIn(sources: readonly Source[], name: string, flag: Flag<unknown>): Found {
  for (const source of sources) {
    const found = source(name, flag);
    if (found !== undefined) return found;
  }
  return { source: `--${name}`, texts: [] };
}

/** Finds flags on the command line itself. */
function ownWords(words: Words): Source {
  return (name) => {
    const texts = words.texts(name);
    return texts.length === 0 ? undefined : { source: `--${name}`, texts };
  };
}

/** Finds flags among environment variables. */
function variables(environment: Environment): Source {
  return (name, flag) => {
    for (const variable of [variableOf(name), ...flag.extraVariables]) {
      const text = lookUp(environment, variable);
      // Compose files and shells cannot unset a variable, only empty it.
      if (text === undefined || text.trim() === "") continue;
      const texts = flag.kind === "list"
        ? text.split(flag.separator).map((part) => part.trim()).filter((part) => part !== "")
        : [text];
      return { source: variable, texts };
    }
    return undefined;
  };
}

/** Finds flags among the settings of a file. */
function settings(file: ReadonlyMap<string, readonly string[]>): Source {
  return (name) => {
    const texts = file.get(name);
    return texts === undefined ? undefined : { source: name, texts };
  };
}

function readFlag<T>(flag: Flag<T>, { source, texts }: Found): T {
  try {
    return flag.read(texts);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    if (cause instanceof SecretError) throw new UsageError(`${source} ${cause.message}`, { cause });
    const value = texts.map(quotedOpenly).join(", ");
    throw new UsageError(`${source} ${cause.message}, not ${value}`, { cause });
  }
}

export function variableOf(name: string): string {
  return `TUNNEL_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Asks the environment for one variable. */
export function lookUp(environment: Environment, name: string): string | undefined {
  if (typeof environment === "function") return environment(name);
  return Object.hasOwn(environment, name) ? environment[name] : undefined;
}
