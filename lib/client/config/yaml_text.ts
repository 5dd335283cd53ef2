import { parse } from "@std/yaml/parse";

/** A line and a column, both from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** Why a text is no YAML; the message is a sentence for the one who wrote it. */
export class YAMLError extends Error {
  override readonly name = "YAMLError";
  constructor(readonly place: TextPlace, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Occurrences of a name that are looked at, at most: what comes later has the place of what it is in. */
const MAX_OCCURRENCES = 500;

/** Where nothing better is known. */
const BEGINNING: TextPlace = { line: 1, column: 1 };

/** A text in YAML, whose scalars are all texts: a token of digits keeps its zeros. */
export class YAMLText {
  /** Its mappings, lists and texts. */
  readonly root: unknown;
  readonly #text: string;

  /** @throws {YAMLError} for what cannot be read. */
  constructor(text: string) {
    this.#text = text;
    try {
      this.root = read(text);
    } catch (cause) {
      throw errorOf(cause);
    }
  }

  /**
   * Finds where the last name of a path is written, else the one before it.
   *
   * The parser tells no places. So the name is changed wherever it occurs, and the right place is the one where that
   * changes the name of this very member.
   */
  placeOf(path: readonly string[]): TextPlace {
    const parents = path.slice(0, -1);
    const name = path.at(-1);
    if (name === undefined || name === "") return BEGINNING;
    const mark = markFor(this.#text);
    let at = -1;
    for (let count = 0; count < MAX_OCCURRENCES; count++) {
      at = this.#text.indexOf(name, at + 1);
      if (at === -1) break;
      const changed = this.#text.slice(0, at) + mark + this.#text.slice(at);
      if (hasMember(changed, parents, mark + name)) return placeAt(this.#text, at);
    }
    return this.placeOf(parents);
  }
}

/** Whether a value is a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function read(text: string): unknown {
  return parse(text, { schema: "failsafe" });
}

function hasMember(text: string, parents: readonly string[], name: string): boolean {
  try {
    let value = read(text);
    for (const parent of parents) value = isMapping(value) ? value[parent] : undefined;
    return isMapping(value) && Object.hasOwn(value, name);
  } catch {
    // In this place the mark is no part of a name.
    return false;
  }
}

/** Returns letters that the text does not have. */
function markFor(text: string): string {
  let mark = "x";
  while (text.includes(mark)) mark += "x";
  return mark;
}

function placeAt(text: string, at: number): TextPlace {
  const before = text.slice(0, at).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

const PLACE = / at line (\d+), column (\d+)/;

function errorOf(cause: unknown): YAMLError {
  const message = cause instanceof Error ? cause.message : "";
  const [, line, column] = PLACE.exec(message) ?? [];
  const place = line === undefined ? BEGINNING : { line: Number(line), column: Number(column) };
  const [, sentence = "this cannot be read as YAML"] =
    SENTENCES.find(([words]) => words.test(message)) ?? [];
  return new YAMLError(place, sentence, { cause });
}

/** What the parser's words mean to the one who wrote the text. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/duplicated key/, "this name is here for the second time"],
  [
    /end of the stream within a flow|missing comma/,
    "a [ or { above is not closed, or a comma is missing",
  ],
  [/end of the (?:stream|document) within a \w+ quoted/, "a quotation mark above is not closed"],
  [
    /unidentified alias/,
    "there is no anchor (&name) above for this alias (*name); a value with * needs quotes",
  ],
  [/unknown tag/, "tags such as !!int are not taken: write the value alone"],
  [/more than 1 document/, "the file is one document: take the line --- out, and what follows"],
  [/indentation/, "this line is indented by more or fewer blanks than its neighbours"],
  [
    /implicit key|explicit mapping pair/,
    "there must be a name, a colon and a blank; a value with a colon and a blank in it needs quotes",
  ],
  [
    /document separator is expected/,
    "this cannot stand here: there must be a name and a colon; a value that begins with a sign needs quotes",
  ],
  [
    /escape sequence/,
    "double quotes have no such escape: write \\\\ for a backslash, or single quotes",
  ],
  [/non-printable/, "there is a control character here"],
];
