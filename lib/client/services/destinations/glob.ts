/** A text in which each `*` stands for anything, nothing included. It takes time by the length of what it is held against. */
export class Glob {
  readonly #first: string;
  readonly #middle: readonly string[];
  /** null where there is no star: then the first part is all. */
  readonly #last: string | null;

  constructor(readonly text: string) {
    const [first = "", ...others] = text.split("*");
    this.#first = first;
    this.#last = others.pop() ?? null;
    this.#middle = others;
  }

  matches(text: string): boolean {
    const last = this.#last;
    if (last === null) return text === this.#first;
    if (!text.startsWith(this.#first)) return false;
    let at = this.#first.length;
    for (const part of this.#middle) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  }
}
