/** A change of one line that makes a program of the same shape do something else. */
export interface Mutation {
  /** Counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** A token that stands alone, and what may stand in its place. */
interface Swap {
  readonly find: RegExp;
  readonly become: (found: string) => readonly string[];
}

/** Each begins and ends where a formatter puts blanks, so that neither generics nor arrows are meant. */
const SWAPS: readonly Swap[] = [
  { find: / (?:<|<=|>|>=|===|!==) /g, become: (found) => OPPOSITES[found.trim()] ?? [] },
  { find: / (?:&&|\|\|) /g, become: (found) => [found.includes("&") ? "||" : "&&"] },
  { find: / [+-] /g, become: (found) => [found.includes("+") ? "-" : "+"] },
  { find: /\b(?:true|false)\b/g, become: (found) => [found === "true" ? "false" : "true"] },
  { find: /(?<![\w.#"'`])\d[\d_]*(?![\w.])/g, become: neighbours },
  { find: /(?:\+\+|--)(?=[\w.#(])|(?<=[\w)])(?:\+\+|--)/g, become: (found) => [twin(found)] },
];

const OPPOSITES: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
};

/** A call or an assignment that is a statement by itself, on one line. */
const STATEMENT = /^\s+(?:(?:void |await )*[\w.#?]+\(.*\)|(?:this\.)?#?[\w.#]+ [+-]?= [^=].*);$/;

/** Lines without anything to run: comments, imports, types, and messages that only people read. */
const PASSIVE =
  /^\s*(?:\/\/|\/?\*|import |export \{|export type |type |(?:export )?interface |readonly \w+\??: [\w<>[\] |"]+;)|\bnew \w*Error\(|^\s*["'`]/;

/** Returns every change that is known for a source, in the order of its lines. */
export function mutationsOf(source: string): Mutation[] {
  const mutations: Mutation[] = [];
  for (const [i, before] of source.split("\n").entries()) {
    if (PASSIVE.test(before)) continue;
    const changed = new Set([
      ...SWAPS.flatMap((swap) => swapped(before, swap)),
      ...negated(before),
    ]);
    if (STATEMENT.test(before)) changed.add(before.replace(/\S.*/, ";"));
    changed.delete(before);
    for (const after of changed) mutations.push({ line: i + 1, before, after });
  }
  return mutations;
}

/** Returns the source with a change made. */
export function mutated(source: string, { line, after }: Mutation): string {
  return source.split("\n").with(line - 1, after).join("\n");
}

/** Makes each change that a swap allows in a line, outside of its texts and of the comment at its end. */
function swapped(line: string, { find, become }: Swap): string[] {
  const code = withoutTexts(line);
  return [...code.matchAll(find)].flatMap(({ 0: found, index }) =>
    become(found).map((other) => {
      const isSpaced = found.startsWith(" ") && found.endsWith(" ");
      const replacement = isSpaced ? ` ${other} ` : other;
      return line.slice(0, index) + replacement + line.slice(index + found.length);
    })
  );
}

/** Blanks out what a line has in quotes or behind `//`, and keeps its length. */
function withoutTexts(line: string): string {
  return line.replace(
    /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/.*$/g,
    (text) => "_".repeat(text.length),
  );
}

/** Turns the condition of an `if` or `while` around that is whole in its line. */
function negated(line: string): string[] {
  const code = withoutTexts(line);
  const [found = ""] = /^.*?\b(?:if|while) \(/.exec(code) ?? [];
  if (found === "") return [];
  let depth = 1;
  let end = found.length;
  while (depth > 0 && end < code.length) {
    if (code[end] === "(") depth++;
    if (code[end] === ")") depth--;
    end++;
  }
  if (depth > 0) return [];
  const condition = line.slice(found.length, end - 1);
  return [`${line.slice(0, found.length)}!(${condition})${line.slice(end - 1)}`];
}

function neighbours(found: string): string[] {
  const value = Number(found.replaceAll("_", ""));
  return value === 0 ? ["1"] : [`${value + 1}`, `${value - 1}`];
}

function twin(found: string): string {
  return found === "++" ? "--" : "++";
}
