import { parseArgs } from "@std/cli/parse-args";
import { type Flag, flagName, type Flags } from "./flags.ts";
import { helpText } from "./help.ts";

/** Says that a command was called wrongly, in one line for whoever typed it; the exit status is 2. */
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

export type Environment =
  | Readonly<Record<string, string | undefined>>
  | ((name: string) => string | undefined);

/**
 * Reads a command's flags, with the environment under them, into typed values.
 *
 * @throws {UsageError} at the first thing that is wrong.
 */
export function parseCommandLine<Values>(
  command: Command<Values>,
  args: readonly string[],
  environment: Environment,
): CommandLine<Values> {
  const { flags } = command;
  const table = new Map<string, Flag<unknown>>();
  for (const option in flags) table.set(flagName(option), flags[option]);
  const words = readWords(table, args);
  if (words.isOn("help")) return { kind: "help", text: helpText(command, table) };
  if (words.isOn("version")) return { kind: "version" };
  words.check();

  const values: Partial<Values> = {};
  const given = new Set<keyof Values>();
  // The first source that knows a flag wins.
  const sources: readonly Source[] = [words.find, variables(environment)];
  for (const option in flags) {
    const flag = flags[option];
    const name = flagName(option);
    if (words.find(name, flag) !== undefined) given.add(option);
    values[option] = readFlag(flag, findIn(sources, name, flag));
  }
  const { positionals } = words;
  const extra = positionals[command.maxPositionals];
  if (extra !== undefined) throw new UsageError(`unexpected argument ${quoted(extra)}`);
  if (!isComplete(values, flags)) throw new TypeError("a flag has no value");
  return { kind: "run", values, positionals, given };
}

/** Texts that were given for one flag. */
interface Found {
  /** Where they stand, as a message names it. */
  readonly source: string;
  readonly texts: readonly string[];
}

/** Somewhere that texts for flags come from; undefined where there is none for this flag. */
type Source = (name: string, flag: Flag<unknown>) => Found | undefined;

/** Asks the sources in turn. */
function findIn(sources: readonly Source[], name: string, flag: Flag<unknown>): Found {
  for (const source of sources) {
    const found = source(name, flag);
    if (found !== undefined) return found;
  }
  return { source: `--${name}`, texts: [] };
}

/** The command line, sorted by flag. */
interface Words {
  readonly positionals: readonly string[];
  readonly find: Source;
  isOn(name: string): boolean;
  /** Throws for what no flag accounts for. */
  check(): void;
}

const OWN_SWITCHES = ["help", "version"];

/** Sorts the words by flag; parseArgs does that, and the checks make up for what it lets pass. */
function readWords(table: ReadonlyMap<string, Flag<unknown>>, args: readonly string[]): Words {
  const switches = [...table].filter(([, flag]) => flag.kind === "switch").map(([name]) => name)
    .concat(OWN_SWITCHES);
  const valued = [...table.keys()].filter((name) => !switches.includes(name));
  const known = [...switches, ...valued];
  const wrong: string[] = negations(args).concat(switchValues(args, switches));
  const positionals: string[] = [];
  const found = parseArgs(args.slice(0, flagsEnd(args)), {
    boolean: switches,
    string: valued,
    // Every flag is collected, so that one given twice is seen and not overwritten.
    collect: known,
    alias: { h: "help" },
    unknown: (word, key) => {
      // parseArgs would make numbers of positionals such as 0x10, and a flag `--_` would replace its list.
      if (key === undefined) positionals.push(word);
      else wrong.push(unknownFlag(word, known));
      return false;
    },
  });
  const texts = (name: string) => {
    const list = found[name];
    return Array.isArray(list) ? list.map(String) : [];
  };
  return {
    positionals: [...positionals, ...args.slice(flagsEnd(args) + 1)],
    isOn: (name) => texts(name).includes("true"),
    find: (name) => {
      const list = texts(name);
      return list.length === 0 ? undefined : { source: `--${name}`, texts: list };
    },
    check: () => {
      for (const name of known) {
        const list = texts(name);
        if (list.includes("")) throw new UsageError(`--${name} needs a value`);
        if (list.length > 1 && table.get(name)?.kind !== "list") {
          throw new UsageError(`--${name} is given more than once`);
        }
      }
      if (wrong[0] !== undefined) throw new UsageError(wrong[0]);
    },
  };
}

/** Finds `--no-x=…`, which parseArgs takes for `--x=…`. */
function negations(args: readonly string[]): string[] {
  return flagWords(args).filter((word) => word.startsWith("--no-") && word.includes("="))
    .map((word) => unknownFlag(word, []));
}

/** Finds `--switch=maybe`, which parseArgs takes for true. */
function switchValues(args: readonly string[], switches: readonly string[]): string[] {
  return flagWords(args).flatMap((word) => {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals);
    const value = word.slice(equals + 1);
    return equals === -1 || !switches.includes(name) || value === "true" || value === "false"
      ? []
      : [`--${name} must be true or false, not ${quoted(value)}`];
  });
}

/** Returns the words that can only be flags: parseArgs gives no flag a value that begins with a hyphen. */
function flagWords(args: readonly string[]): string[] {
  return args.slice(0, flagsEnd(args)).filter((word) => word.startsWith("--"));
}

/** Finds the `--` behind which no word is a flag, or the end. */
function flagsEnd(args: readonly string[]): number {
  const end = args.indexOf("--");
  return end === -1 ? args.length : end;
}

/** Finds flags among environment variables. */
function variables(environment: Environment): Source {
  return (name, flag) => {
    for (const variable of [variableOf(name), ...flag.extraVariables]) {
      const text = lookUp(environment, variable);
      // Compose files and shells cannot unset a variable, only empty it.
      if (text === undefined || text.trim() === "") continue;
      const texts = flag.kind === "list"
        ? text.split(",").map((part) => part.trim()).filter((part) => part !== "")
        : [text];
      return { source: variable, texts };
    }
    return undefined;
  };
}

function readFlag<T>(flag: Flag<T>, { source, texts }: Found): T {
  try {
    return flag.read(texts);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const value = texts.map(quoted).join(", ");
    throw new UsageError(`${source} ${cause.message}, not ${value}`, { cause });
  }
}

function isComplete<Values>(values: Partial<Values>, flags: Flags<Values>): values is Values {
  return Object.keys(flags).every((option) => option in values);
}

function variableOf(name: string): string {
  return `TUNNEL_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Asks the environment for one variable. */
export function lookUp(environment: Environment, name: string): string | undefined {
  if (typeof environment === "function") return environment(name);
  return Object.hasOwn(environment, name) ? environment[name] : undefined;
}

/** Characters of a value that a message shows: enough to recognize it on one line. */
const MAX_SHOWN = 80;

/** Shows a value, but not what stands before an @: in an address that is a password. */
function quoted(text: string): string {
  const open = text.slice(Math.max(0, text.lastIndexOf("@")));
  const shown = open.length < text.length ? `…${open}` : text;
  return JSON.stringify(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown);
}

function unknownFlag(word: string, known: readonly string[]): string {
  const flag = word.split("=", 1)[0] ?? word;
  const near = nearest(flag.replace(/^-+/, ""), known);
  const printable = JSON.stringify(flag.slice(0, MAX_SHOWN)).slice(1, -1);
  return `unknown flag ${printable}${near === undefined ? "" : `; did you mean --${near}?`}`;
}

/** Finds the flag that was probably meant: one that the text begins, or one at most two letters away. */
function nearest(text: string, known: readonly string[]): string | undefined {
  if (text.length < 2 || text.length > MAX_SHOWN) return undefined;
  const begun = known.filter((name) => name.startsWith(text));
  if (begun.length > 0) return begun[0];
  const ranked = known.map((name) => ({ name, distance: distance(text, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= 2 && best.distance < text.length - 1
    ? best.name
    : undefined;
}

/** Counts the letters to add, drop or change to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
