/** A value of a JSON text, or what stands where one was expected. */
export type JSONNode =
  | JSONBrackets & { readonly kind: "object"; readonly members: readonly JSONMember[] }
  | JSONBrackets & { readonly kind: "array"; readonly items: readonly JSONNode[] }
  | { readonly kind: "string"; readonly value: string }
  /** A number, true, false or null, as it is spelt: no digit of a long number is lost. */
  | { readonly kind: "number" | "word"; readonly text: string }
  | { readonly kind: "wrong"; readonly text: string; readonly message: string };

/** How what is between brackets is written. */
export interface JSONBrackets {
  /** Whether the closing bracket is there. */
  readonly isClosed: boolean;
  /** The entries behind which a comma is missing, or is too much. */
  readonly wrongCommas: ReadonlySet<number>;
}

export interface JSONMember {
  readonly key: string;
  readonly value: JSONNode;
  /** What is wrong with the name, such as that it stood there before; null for nothing. */
  readonly wrong: string | null;
}

/** A place in a JSON text where it is not JSON. */
export interface JSONFault {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface ReadJSON {
  readonly root: JSONNode;
  readonly faults: readonly JSONFault[];
}

/** Values within values: more would exhaust the stack, here and when it is drawn. */
const MAX_DEPTH = 200;

/** Faults that are told; a text that has more is not JSON. */
const MAX_FAULTS = 20;

/** Characters of a wrong part that are shown. */
const MAX_WRONG = 200;

/** Reads a JSON text, and goes on behind what is wrong with it (RFC 8259). */
export function readJSON(text: string): ReadJSON {
  return new JSONReader(text).read();
}

class JSONReader {
  readonly #text: string;
  readonly #faults: JSONFault[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): ReadJSON {
    const root = this.#value();
    if (this.#next() !== "") this.#fault("the value has ended, and more follows");
    return { root, faults: this.#faults };
  }

  #value(): JSONNode {
    const next = this.#next();
    if (next === "") return this.#wrong("the text ends where a value is expected");
    if (next === '"') return this.#string();
    if (next !== "{" && next !== "[") return this.#word();
    if (this.#depth >= MAX_DEPTH) {
      const wrong = this.#wrong(`values within more than ${MAX_DEPTH} others are not shown`);
      this.#at = this.#text.length;
      return wrong;
    }
    this.#depth++;
    const node = next === "{" ? this.#object() : this.#array();
    this.#depth--;
    return node;
  }

  #object(): JSONNode {
    const members: JSONMember[] = [];
    const names = new Set<string>();
    const brackets = this.#list("}", "object", () => {
      const key = this.#key();
      const isAgain = names.has(key.name);
      if (isAgain) this.#fault(`the name ${JSON.stringify(key.name)} stands there twice`);
      names.add(key.name);
      if (this.#next() === ":") this.#at++;
      else this.#fault("a colon is missing");
      const wrong = key.wrong ?? (isAgain ? "this name stands there twice" : null);
      members.push({ key: key.name, value: this.#value(), wrong });
    });
    return { kind: "object", members, ...brackets };
  }

  #array(): JSONNode {
    const items: JSONNode[] = [];
    const brackets = this.#list("]", "array", () => items.push(this.#value()));
    return { kind: "array", items, ...brackets };
  }

  /** Reads what stands between brackets, with commas between. */
  #list(end: string, what: string, readEntry: () => void): JSONBrackets {
    const wrongCommas = new Set<number>();
    this.#at++;
    for (let read = 0;; read++) {
      const next = this.#next();
      if (next === end) break;
      if (next === "" || next === "}" || next === "]") {
        // The bracket of what is around this closes that: the own one was forgotten.
        this.#fault(
          next === "" ? `the text ends within an ${what}` : `an ${what} ends with ${next}`,
        );
        return { isClosed: false, wrongCommas };
      }
      if (read > 0) {
        const at = this.#at;
        if (next === ",") this.#at++;
        else this.#fault("a comma is missing");
        const isLast = this.#next() === end;
        if (isLast) this.#fault("nothing follows the last comma", at);
        if (isLast || next !== ",") wrongCommas.add(read - 1);
        if (isLast) break;
      }
      const before = this.#at;
      readEntry();
      // What nothing could be read of would be met again for ever.
      if (this.#at === before) this.#at++;
    }
    this.#at++;
    return { isClosed: true, wrongCommas };
  }

  #key(): { readonly name: string; readonly wrong: string | null } {
    if (this.#peek() === '"') {
      const node = this.#string();
      if (node.kind === "string") return { name: node.value, wrong: null };
      return { name: node.kind === "wrong" ? node.text : "", wrong: "not a string" };
    }
    const [name = ""] = this.#match(/[^:,{}[\]\n]*/y);
    this.#fault("a name must be a string in double quotes", this.#at - name.length);
    return { name: name.trim(), wrong: "a name must be a string in double quotes" };
  }

  #string(): JSONNode {
    const start = this.#at;
    const [raw = ""] = this.#match(/"(?:[^"\\\n]|\\[^\n])*"?/y);
    try {
      const value: unknown = JSON.parse(raw);
      if (typeof value === "string") return { kind: "string", value };
    } catch {
      // It is told below.
    }
    const isOpen = raw.length < 2 || !raw.endsWith('"');
    const message = isOpen
      ? "a string without its closing quote"
      : "a string with a character or an escape that JSON does not have";
    this.#fault(message, start);
    return { kind: "wrong", text: raw.slice(0, MAX_WRONG), message };
  }

  #word(): JSONNode {
    const start = this.#at;
    const [raw = ""] = this.#match(/[^,:{}[\]"\s]+/y);
    if (NUMBER.test(raw)) return { kind: "number", text: raw };
    if (WORDS.has(raw)) return { kind: "word", text: raw };
    return this.#wrong(raw === "" ? "a value is missing" : "this is not a JSON value", raw, start);
  }

  #wrong(message: string, text = "", start = this.#at): JSONNode {
    this.#fault(message, start);
    return { kind: "wrong", text: text.slice(0, MAX_WRONG), message };
  }

  #fault(message: string, at = this.#at): void {
    if (this.#faults.length >= MAX_FAULTS) return;
    const before = this.#text.slice(0, at);
    const line = before.split("\n").length;
    this.#faults.push({ line, column: at - before.lastIndexOf("\n"), message });
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  /** Goes to the next character that means something. */
  #next(): string {
    this.#skip(BLANK);
    return this.#peek();
  }

  #skip(pattern: RegExp): void {
    this.#match(pattern);
  }

  #match(pattern: RegExp): readonly string[] {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? [""];
    this.#at += found[0].length;
    return found;
  }
}

const BLANK = /[ \t\r\n]*/y;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const WORDS: ReadonlySet<string> = new Set(["true", "false", "null"]);
