import { escaped, markdownTable } from "./markdown_table.ts";
import { readSource, readSourceGraph } from "./source_graph.ts";

/** A number of the code that has a name and a reason. */
export interface Bound {
  readonly file: string;
  readonly name: string;
  readonly value: number;
  /** Its comment, which begins with its unit. */
  readonly meaning: string;
}

/** A constant at the top of a file, with the comment above it. */
const CONSTANT =
  /^(?:\/\*\* ?((?:(?!\*\/)[^])*?) ?\*\/\n)?(?:export )?const ([A-Z][A-Z0-9_]*) = ([^;]*);$/gm;

/** A product or a sum of numbers and of other constants; other values are no bounds. */
const NUMBER = /^(?:0x[0-9a-f_]{5,}|[A-Z0-9_]+)(?:\s[*+]\s[A-Z0-9_]+)*$/;

/** Numbers that are no amounts: statuses, weights, bits, and lengths that a spelling has. */
const NO_BOUNDS: ReadonlySet<string> = new Set([
  "AROUND_FIELD",
  "LF_WEIGHT",
  "LOWER_TOKEN",
  "REPLACED",
  "STOPPED_BY_SIGNAL",
  "TARGET",
  "TEXT",
  "TOKEN",
  "WORD_SHIFT",
]);

/** Reads the bounds of all files in `lib`, in the order of the files. */
export async function readBounds(): Promise<Bound[]> {
  const sources: (readonly [string, string])[] = [];
  for (const file of (await readSourceGraph()).keys()) {
    sources.push([file, await readSource(file)]);
  }
  return boundsOf(sources);
}

/** Finds the bounds in the sources of files. */
export function boundsOf(sources: readonly (readonly [string, string])[]): Bound[] {
  const constants = sources.flatMap(([file, source]) =>
    [...source.matchAll(CONSTANT)].map(([, comment = "", name = "", text = ""]) => ({
      file,
      name,
      text,
      meaning: comment.replace(/\s*\n \* ?/g, " ").trim(),
    }))
  );
  const valueOf = (file: string, text: string): number => {
    if (!NUMBER.test(text)) return NaN;
    return text.split(/\s\+\s/).map((sum) => product(file, sum)).reduce((a, b) => a + b);
  };
  const product = (file: string, text: string): number =>
    text.split(/\s\*\s/).map((word) => factor(file, word)).reduce((a, b) => a * b);
  const factor = (file: string, word: string): number => {
    if (/^[0-9]/.test(word)) return Number(word.replaceAll("_", ""));
    const named = constants.filter(({ name }) => name === word);
    const own = named.find((constant) => constant.file === file) ?? named[0];
    return own === undefined ? NaN : valueOf(own.file, own.text);
  };
  return constants
    .filter(({ name, meaning }) => meaning !== "" && !NO_BOUNDS.has(name))
    .map(({ file, name, text, meaning }) => ({ file, name, meaning, value: valueOf(file, text) }))
    .filter(({ value }) => Number.isFinite(value));
}

/** Writes bounds as a table for each folder. */
export function boundTables(bounds: readonly Bound[]): string {
  const folders = new Map<string, string[][]>();
  for (const { file, name, value, meaning } of bounds) {
    const at = file.lastIndexOf("/");
    const folder = file.slice(0, at);
    const rows = folders.get(folder) ?? [];
    rows.push([shown(value, meaning), cell(meaning), `\`${name}\``, `\`${file.slice(at + 1)}\``]);
    folders.set(folder, rows);
  }
  const titles = ["value", "of what, and why", "constant", "file"];
  return [...folders].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([folder, rows]) => `## \`${folder}\`\n\n${markdownTable(titles, rows)}`).join("\n\n");
}

/** Shows sizes and times in the largest unit in which they are whole. */
function shown(value: number, meaning: string): string {
  if (SIZE.test(meaning) && value >= 1024 && value % 1024 === 0) {
    return value % 1024 ** 2 === 0 ? `${value / 1024 ** 2} MiB` : `${value / 1024} KiB`;
  }
  const [, time] = TIME.exec(meaning) ?? [];
  if (time === undefined) return value.toLocaleString("en");
  const milliseconds = time === "Seconds" ? 1000 * value : value;
  const [unit, length] = TIMES.find(([, length]) => milliseconds % length === 0) ?? ["ms", 1];
  return `${(milliseconds / length).toLocaleString("en")} ${unit}`;
}

const SIZE = /^(?:Unsent b|B)ytes\b|, in bytes\b/;

const TIME = /^(Milliseconds|Seconds)\b/;

const TIMES: readonly (readonly [string, number])[] = [
  ["days", 86_400_000],
  ["h", 3_600_000],
  ["s", 1000],
  ["ms", 1],
];

/** Writes a comment into a cell of a table, beside a value that has its own unit. */
function cell(text: string): string {
  return escaped(text).replace(TIME, "Time").replaceAll(/\{@linkcode ([^}]+)\}/g, "`$1`");
}
