/** What a value is, for editors that know a file's settings beforehand; a text where nothing more is known. */
export type ValueShape =
  | { readonly type: "text" | "switch" }
  | { readonly type: "integer"; readonly least: number; readonly most: number }
  | { readonly type: "choice"; readonly choices: readonly string[] };

/** One flag of a command: how it is shown, and how its texts become a value. */
export interface Flag<T> {
  /** A switch takes no value, a list may be repeated. */
  readonly kind: "switch" | "value" | "list";
  /** The heading in the help that it stands under. */
  readonly group: string;
  /** What stands for the value in the help, such as `<port>`. */
  readonly placeholder: string;
  readonly help: string;
  /** The default as the help words it; empty when the help leaves it out. */
  readonly defaultText: string;
  /** Environment variables that are asked after its own. */
  readonly extraVariables: readonly string[];
  /**
   * What stands between the members of a value that a file may write as a list, and between the values of a list in the
   * environment; empty for a value without members.
   */
  readonly separator: string;
  /** What stands between the two parts of a member, which a file may write as name and value; empty for none. */
  readonly joint: string;
  readonly shape: ValueShape;
  /**
   * Makes the value of the texts that were given; without any it is the default.
   *
   * @throws {RangeError} whose message continues the flag's name: "must be …".
   */
  read(texts: readonly string[]): T;
  /**
   * Makes the value of what a program gives for the option: the value itself, or the flag's text. It is the default for
   * undefined.
   *
   * @throws {RangeError} as `read` does.
   */
  accept(value: unknown): T;
}

/** A value that is wrong and must not be shown, for there is a secret in it. */
export class SecretError extends RangeError {
  override readonly name = "SecretError";
}

/** A flag for each option, under the option's own name: `publicUrl` is the flag `--public-url`. */
export type Flags<Values> = { readonly [Option in keyof Values]: Flag<Values[Option]> };

/** The options that a table of flags gives. */
export type FlagValues<Table> = {
  readonly [Option in keyof Table]: Table[Option] extends Flag<infer Value> ? Value : never;
};

/** Whether each option of a table has a value. */
export function isComplete<Values>(
  values: Partial<Values>,
  flags: Flags<Values>,
): values is Values {
  return Object.keys(flags).every((option) => option in values);
}

/** Takes the options of a table out of those of a larger one. */
export function valuesOf<Values>(flags: Flags<Values>, all: NoInfer<Values>): Values {
  const values: Partial<Values> = {};
  for (const option in flags) values[option] = all[option];
  if (!isComplete(values, flags)) throw new TypeError("an option has no value");
  return values;
}

/** Returns the name of an option's flag, without the hyphens before it. */
export function flagName(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export interface FlagOptions<Default> {
  readonly group: string;
  readonly help: string;
  /** The value when neither a flag nor the environment gives one. */
  readonly default: Default;
  /** How the help words the default. @default the default itself, when it is a text or a number */
  readonly defaultText?: string;
  /** @default the kind's own */
  readonly placeholder?: string;
  readonly extraVariables?: readonly string[];
  /** Stands between the members of one value, or the values of a list. @default no members, a comma between values */
  readonly separator?: string;
  /** Stands between the two parts of a member, as between a path and its service. @default it has no parts */
  readonly joint?: string;
  /** @default a text */
  readonly shape?: ValueShape;
  /** Writes a value that a program gives as the flag's text. @default takes texts alone */
  readonly spell?: (value: unknown) => string;
}

/** Makes a flag with one value, which `parse` reads or refuses with a RangeError "must be …". */
export function valueFlag<T, Default>(
  placeholder: string,
  parse: (text: string) => T,
  options: FlagOptions<Default>,
): Flag<T | Default> {
  const { separator = "" } = options;
  const { spell = (value: unknown): string => spellMembers(value, separator) } = options;
  return {
    ...shown("value", placeholder, options),
    read: ([text]) => text === undefined ? options.default : parse(text),
    accept(value) {
      const isDefault = value === undefined || (value === null && options.default === null);
      return isDefault ? options.default : parse(spell(value));
    },
  };
}

/** Makes a flag that may be repeated; each value is read by itself. */
export function listFlag<T>(
  placeholder: string,
  parse: (text: string) => T,
  options: FlagOptions<readonly T[]>,
): Flag<readonly T[]> {
  const { spell = spellText } = options;
  return {
    ...shown("list", placeholder, { separator: ",", ...options }),
    read: (texts) => texts.length === 0 ? options.default : texts.map(parse),
    accept(value) {
      if (value === undefined) return options.default;
      const values = withJoint(value, options.joint ?? "");
      if (values.length === 0) throw new RangeError("must have one member or more");
      return values.map((member) => parse(spell(member)));
    },
  };
}

/** Makes a flag that is on when it is there; `=false` turns it off again. */
export function switchFlag(options: Pick<FlagOptions<boolean>, "group" | "help">): Flag<boolean> {
  return {
    ...shown("switch", "", { ...options, default: false, shape: { type: "switch" } }),
    read: ([text]) => isOn(text),
    accept: (value) => isOn(value === undefined ? undefined : String(value)),
  };
}

export function textFlag<Default>(options: FlagOptions<Default>): Flag<string | Default> {
  return valueFlag("<text>", (text) => text, options);
}

/** Makes a flag whose value is one of a few words. */
export function choiceFlag<const Choice extends string, const Default>(
  choices: readonly Choice[],
  options: FlagOptions<Default>,
): Flag<Choice | Default> {
  return valueFlag(`<${choices.join("|")}>`, (text) => {
    const choice = choices.find((known) => known === text);
    if (choice === undefined) {
      throw new RangeError(`must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`);
    }
    return choice;
  }, { ...options, shape: { type: "choice", choices } });
}

/** Makes a flag whose value is a whole number within bounds. */
export function integerFlag<Default>(
  { least, most, ...options }: FlagOptions<Default> & {
    readonly least: number;
    readonly most: number;
  },
): Flag<number | Default> {
  return valueFlag("<number>", (text) => parseInteger(text, least, most), {
    ...options,
    shape: { type: "integer", least, most },
    spell: (value) => typeof value === "number" ? String(value) : "",
  });
}

/** Makes a flag whose value is a time such as `30s`, in milliseconds. */
export function durationFlag<Default>(options: FlagOptions<Default>): Flag<number | Default> {
  return valueFlag("<time>", parseDuration, {
    ...options,
    spell: (value) => spellNumber(value, "ms"),
  });
}

/** Makes a flag whose value is a size such as `500kb`, in bytes. */
export function sizeFlag<Default>(
  { least, most, ...options }: FlagOptions<Default> & {
    readonly least: number;
    readonly most: number;
  },
): Flag<number | Default> {
  return valueFlag("<size>", (text) => parseSize(text, least, most), {
    ...options,
    spell: (value) => spellNumber(value, "b"),
  });
}

/** So many of something in so many milliseconds. */
export interface Rate {
  /** How many, from 1. */
  readonly count: number;
  /** A second, a minute or an hour, in milliseconds. */
  readonly period: number;
}

/** Makes a flag whose value is a rate such as `100/s`. */
export function rateFlag<Default>(options: FlagOptions<Default>): Flag<Rate | Default> {
  return valueFlag("<rate>", parseRate, { ...options, spell: spellRate });
}

/** Returns the members of a value; names with values, alone or among others, become texts with the joint between. */
export function withJoint(value: unknown, joint: string): readonly unknown[] {
  const members: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (joint === "") return members;
  return members.flatMap((member) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return [member];
    return Object.entries(member).map(([name, part]) =>
      typeof part === "string" ? `${name}${joint}${part}` : part
    );
  });
}

/** Writes a value that may be a list of its members. */
function spellMembers(value: unknown, separator: string): string {
  const isList = Array.isArray(value) && separator !== "";
  return isList ? value.map(spellText).join(separator) : spellText(value);
}

function spellText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new RangeError("must be text");
}

/** Writes a number with its unit; what is neither number nor text becomes a text that no flag takes. */
function spellNumber(value: unknown, unit: string): string {
  if (typeof value === "string") return value;
  return typeof value === "number" ? `${value}${unit}` : "";
}

function spellRate(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "";
  const { count, period }: { readonly count?: unknown; readonly period?: unknown } = value;
  const [unit = ""] = [...UNITS].find(([, milliseconds]) => milliseconds === period) ?? [];
  return `${count}/${unit}`;
}

/** Reads a whole number of plain digits: Number would take "", "0x1f", "1e3" and " 8" as well. */
export function parseInteger(text: string, least: number, most: number): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) {
    throw new RangeError(`must be a whole number from ${least} to ${most}`);
  }
  return value;
}

/** Milliseconds in each unit of a duration. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** Milliseconds: a timer set for longer than 31 bits hold fires at once. */
const MAX_DURATION = 0x7fff_ffff;

function parseDuration(text: string): number {
  // A bare number is refused: it could mean seconds or milliseconds.
  const [, digits = "", unit = ""] = /^([0-9]{1,10}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
  const duration = Math.round(Number(digits) * (UNITS.get(unit) ?? 0));
  if (duration < 1) throw new RangeError("must be a time such as 30s, 500ms or 2m");
  if (duration > MAX_DURATION) throw new RangeError("must be at most 24 days");
  return duration;
}

/** Bytes in each unit of a size: thousands, as networks and disks count, and powers of two by their own names. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["b", 1],
  ["kb", 1000],
  ["mb", 1000 ** 2],
  ["gb", 1000 ** 3],
  ["kib", 1024],
  ["mib", 1024 ** 2],
  ["gib", 1024 ** 3],
]);

function parseSize(text: string, least: number, most: number): number {
  const [, digits = "", unit = ""] =
    /^([0-9]{1,15}(?:\.[0-9]{1,3})?)([kmg]?i?b)?$/.exec(text.toLowerCase()) ?? [];
  const size = Math.round(Number(digits || NaN) * (SIZES.get(unit || "b") ?? NaN));
  if (Number.isNaN(size)) throw new RangeError("must be a size such as 500kb, 10mb or 1gib");
  if (size < least || size > most) {
    const bounds = most === Number.MAX_SAFE_INTEGER
      ? `of ${spellSize(least)} or more`
      : `from ${spellSize(least)} to ${spellSize(most)}`;
    throw new RangeError(`must be a size ${bounds}`);
  }
  return size;
}

/** Writes a size as a flag takes it, in the largest unit that it is a whole number of. */
function spellSize(size: number): string {
  const [unit = "b", bytes = 1] = [...SIZES].findLast(([, bytes]) => size % bytes === 0) ?? [];
  return `${size / bytes}${unit}`;
}

/** The most that a rate may count: more than any server does, and exact as a number. */
const MAX_RATE = 1_000_000;

function parseRate(text: string): Rate {
  const [, digits = "", unit = ""] = /^([0-9]{1,7})\/(s|m|h)$/.exec(text) ?? [];
  const count = Number(digits);
  const period = UNITS.get(unit) ?? 0;
  if (count < 1 || count > MAX_RATE || period === 0) {
    throw new RangeError(`must be a rate such as 100/s or 6/m, of 1 to ${MAX_RATE}`);
  }
  return { count, period };
}

function isOn(text: string | undefined): boolean {
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1") return true;
  throw new RangeError("must be true or false");
}

function shown(
  kind: Flag<unknown>["kind"],
  placeholder: string,
  options: FlagOptions<unknown>,
): Omit<Flag<unknown>, "read" | "accept"> {
  const known = options.default;
  return {
    kind,
    group: options.group,
    placeholder: options.placeholder ?? placeholder,
    help: options.help,
    defaultText: options.defaultText ??
      (typeof known === "string" || typeof known === "number" ? String(known) : ""),
    extraVariables: options.extraVariables ?? [],
    separator: options.separator ?? "",
    joint: options.joint ?? "",
    shape: options.shape ?? { type: "text" },
  };
}
