import { type Field, fieldValue } from "../../http/fields.ts";

/** The fields of a public request, taken over from Deno once: each question to a `Headers` costs more than looking through the list. */
export class FieldList {
  readonly list: readonly Field[];

  constructor(headers: Headers) {
    const list: Field[] = [];
    // The iterator over the same fields takes eight times as long.
    headers.forEach((value, name) => list.push([name, value]));
    this.list = list;
  }

  /** Returns the value of a field, its name in lower case; null when it is not there. */
  get(name: string): string | null {
    return fieldValue(this.list, name) ?? null;
  }

  has(name: string): boolean {
    return fieldValue(this.list, name) !== undefined;
  }
}
