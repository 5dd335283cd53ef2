import { type Field, withoutHopByHop } from "../../http/fields.ts";
import { latin1, type RequestHead } from "../../http/head.ts";
import type { ForwardedFields } from "./forwarded.ts";
import type { Visit } from "../listen/visit.ts";

/** What of a public request makes the head that its origin gets. */
export type HeadSource = Pick<Visit, "fields" | "connection" | "target"> & {
  readonly request: Pick<Request, "method">;
};

/** Makes the heads that origins get of those that visitors send. */
export class RequestHeads {
  readonly #forwarded: ForwardedFields;

  constructor(forwarded: ForwardedFields) {
    this.#forwarded = forwarded;
  }

  /** Returns the head of a request with `length` bytes of body; null for none, or for what only its end tells. */
  head(source: HeadSource, length: number | null): RequestHead {
    return {
      method: source.request.method,
      target: octetsOf(source.target),
      fields: this.#fields(source, length),
    };
  }

  /** Returns its fields: end-to-end ones, and those that say whom it serves. */
  #fields({ fields: { list }, connection }: HeadSource, length: number | null): Field[] {
    const fields = this.#forwarded.apply(withoutHopByHop(list), connection);
    const at = fields.findIndex((field) => field[0] === "content-length");
    // `Deno.serve` joins equal Content-Lengths, as in "1, 1"; the origin gets the one number that was checked.
    if (at !== -1) fields[at] = ["content-length", String(length ?? 0)];
    // HTTP/2 has `:authority` in its place (RFC 9113 section 8.3.1).
    if (!fields.some((field) => field[0] === "host")) fields.unshift(["host", connection.host]);
    return fields;
  }
}

const encoder = new TextEncoder();

/** Returns UTF-8 as one character for each octet: Deno hands over a target in which it has decoded what is not ASCII. */
function octetsOf(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return latin1(encoder.encode(text));
  }
  return text;
}
