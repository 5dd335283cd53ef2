import { type Field, withoutHopByHop } from "../../http/fields.ts";
import type { RequestHead } from "../../http/head.ts";
import type { Visit } from "../listen/visit.ts";
import type { ForwardedFields } from "./forwarded.ts";
import type { TunnelVisit } from "./tunnel_visit.ts";

/** What of a visit makes the head that its origin gets. */
export type HeadSource = Pick<TunnelVisit, "connection" | "target"> & {
  readonly visit: Pick<Visit, "method" | "fields">;
};

/** Makes the heads that origins get of those that visitors send. */
export class RequestHeads {
  readonly #forwarded: ForwardedFields;

  constructor(forwarded: ForwardedFields) {
    this.#forwarded = forwarded;
  }

  /** Returns the head of a request with `length` bytes of body; null for none, or for what only its end tells. */
  head({ visit, target, connection }: HeadSource, length: number | null): RequestHead {
    // End-to-end fields, and those that say whom it serves.
    const fields: Field[] = this.#forwarded.apply(withoutHopByHop(visit.fields), connection);
    const at = fields.findIndex((field) => field[0] === "content-length");
    // The origin gets the number that was checked, and none for a body that does not come.
    if (at !== -1) fields[at] = ["content-length", String(length ?? 0)];
    return { method: visit.method, target, fields };
  }
}
