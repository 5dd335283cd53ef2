import { parseArgs } from "@std/cli/parse-args";
import type { Flag } from "./flags.ts";
import { didYouMean, MAX_WORD_LENGTH } from "./did_you_mean.ts";
import { quotedOpenly } from "./safe_text.ts";

/** Switches that every command has. */
const OWN_SWITCHES = ["help", "version"];

/** The words of a command line, sorted by flag: parseArgs does that, and `mistake` makes up for what it lets pass. */
export class Words {
  /** As they were typed, also those behind `--`. */
  readonly positionals: readonly string[];
  readonly #table: ReadonlyMap<string, Flag<unknown>>;
  readonly #known: readonly string[];
  readonly #found: Readonly<Record<string, unknown>>;
  readonly #wrong: readonly string[];

  /** @param table the flags by their names. */
  constructor(table: ReadonlyMap<string, Flag<unknown>>, args: readonly string[]) {
    const switches = [...table].filter(([, flag]) => flag.kind === "switch").map(([name]) => name)
      .concat(OWN_SWITCHES);
    const valued = [...table.keys()].filter((name) => !switches.includes(name));
    const known = [...switches, ...valued];
    const end = flagsEnd(args);
    const words = joinedValues(args.slice(0, end), valued);
    const wrong = [...negations(words), ...switchValues(words, switches)];
    const positionals: string[] = [];
    this.#found = parseArgs(words, {
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
    this.#table = table;
    this.#known = known;
    this.#wrong = wrong;
    this.positionals = [...positionals, ...args.slice(end + 1)];
  }

  /** Tells whether a switch is there. */
  isOn(name: string): boolean {
    return this.texts(name).includes("true");
  }

  /** Returns every text that was given for a flag, in order. */
  texts(name: string): readonly string[] {
    const list = this.#found[name];
    return Array.isArray(list) ? list.map(String) : [];
  }

  /** Returns what is wrong first with the words, without a look at what their values mean. */
  mistake(): string | undefined {
    for (const name of this.#known) {
      const list = this.texts(name);
      if (list.includes("")) return `--${name} needs a value`;
      if (list.length > 1 && this.#table.get(name)?.kind !== "list") {
        return `--${name} is given more than once`;
      }
    }
    return this.#wrong[0];
  }
}

/** Finds the `--` behind which no word is a flag, or the end. */
function flagsEnd(args: readonly string[]): number {
  const end = args.indexOf("--");
  return end === -1 ? args.length : end;
}

/**
 * Joins a flag to a value such as `-1`, which parseArgs would take for a row of switches: what is wrong with it, the
 * flag itself says. A word with two hyphens is a flag, and `-h` asks for help.
 */
function joinedValues(words: readonly string[], valued: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const next = words[at + 1];
    const isFlag = word.startsWith("--") && valued.includes(word.slice(2));
    if (isFlag && next !== undefined && /^-(?!-|h$)/.test(next)) {
      joined.push(`${word}=${next}`);
      at++;
    } else joined.push(word);
  }
  return joined;
}

/** Finds `--no-x=…`, which parseArgs takes for `--x=…`. */
function negations(words: readonly string[]): string[] {
  return flagWords(words).filter((word) => word.startsWith("--no-") && word.includes("="))
    .map((word) => unknownFlag(word, []));
}

/** Finds `--switch=maybe`, which parseArgs takes for true. */
function switchValues(words: readonly string[], switches: readonly string[]): string[] {
  return flagWords(words).flatMap((word) => {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals);
    const value = word.slice(equals + 1);
    return equals === -1 || !switches.includes(name) || value === "true" || value === "false"
      ? []
      : [`--${name} must be true or false, not ${quotedOpenly(value)}`];
  });
}

/** Returns the words that can only be flags: parseArgs gives no flag a value that begins with a hyphen. */
function flagWords(words: readonly string[]): string[] {
  return words.filter((word) => word.startsWith("--"));
}

function unknownFlag(word: string, known: readonly string[]): string {
  const flag = word.split("=", 1)[0] ?? word;
  const printable = JSON.stringify(flag.slice(0, MAX_WORD_LENGTH)).slice(1, -1);
  return `unknown flag ${printable}${didYouMean(flag.replace(/^-+/, ""), known, "--")}`;
}
