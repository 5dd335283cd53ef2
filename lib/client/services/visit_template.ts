import { fieldValue, listMembers } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";

/** A text of the owner's with places for what is known of a visit, such as `{host}`. */
export class VisitTemplate {
  readonly #text: string;
  readonly #isFixed: boolean;

  /** @throws {RangeError} "must …" for a place that nothing is known for. */
  constructor(text: string) {
    const wrong = text.match(PLACE)?.find((place) => !FILLERS.has(place));
    if (wrong !== undefined) {
      throw new RangeError(`must have no places but {visitor}, {host} and {path}`);
    }
    this.#text = text;
    this.#isFixed = !PLACES.test(text);
  }

  /** The text with the address of the visitor, the public host, and the path with its query. */
  fill(head: RequestHead): string {
    if (this.#isFixed) return this.#text;
    return this.#text.replaceAll(PLACE, (place) => FILLERS.get(place)?.(head) ?? "");
  }
}

/** What looks like a place; other braces are the owner's, as in JSON. */
const PLACE = /\{[a-z]+\}/g;
const PLACES = /\{[a-z]+\}/;

const FILLERS: ReadonlyMap<string, (head: RequestHead) => string> = new Map([
  ["{visitor}", ({ fields }) => listMembers(fieldValue(fields, "x-forwarded-for") ?? "")[0] ?? ""],
  ["{host}", ({ fields }) => fieldValue(fields, "host") ?? ""],
  ["{path}", ({ target }) => target === "*" ? "/" : target],
]);
