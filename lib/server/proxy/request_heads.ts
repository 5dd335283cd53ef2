import {
  type Field,
  isLongList,
  MAX_MEMBERS,
  TAKES_TRAILERS,
  withoutHopByHop,
} from "../../http/fields.ts";
import { fieldsLength } from "../../http/field_lines.ts";
import type { RequestHead } from "../../http/head.ts";
import type { Answer, Visit } from "../listen/visit.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import type { ForwardedFields, VisitorConnection } from "./forwarded.ts";

/** A visit to a tunnel, and what its origin is told of it. */
export interface TunnelVisit {
  readonly visit: Visit;
  /** The target that the origin gets: routing by path has taken its part away. */
  readonly target: string;
  readonly connection: VisitorConnection;
  /** Looks for another upstream, since the one that was found has lost the tunnel and did nothing with the request. */
  again(): Answer | Promise<Answer>;
}

/** What of a visit makes the head that its origin gets. */
export type HeadSource = Pick<TunnelVisit, "connection" | "target"> & {
  readonly visit: Pick<Visit, "method" | "fields"> & Partial<Pick<Visit, "takesTrailers">>;
};

/** Makes the heads that origins get of those that visitors send. */
export class RequestHeads {
  readonly #forwarded: ForwardedFields;

  constructor(forwarded: ForwardedFields) {
    this.#forwarded = forwarded;
  }

  /** Returns the head of a request. `length` is its body's in bytes, null for no body or one whose length only its end tells. */
  head({ visit, target, connection }: HeadSource, length: number | null): RequestHead {
    // End-to-end fields, and those that say whom it serves.
    const fields: Field[] = this.#forwarded.apply(withoutHopByHop(visit.fields), connection);
    const at = fields.findIndex((field) => field[0] === "content-length");
    // The origin gets the number that was checked, and none for a body that does not come.
    if (at !== -1) fields[at] = ["content-length", String(length ?? 0)];
    if (visit.takesTrailers) fields.push(TAKES_TRAILERS);
    return { method: visit.method, target, fields };
  }
}

/** Bytes of the longest head that `Deno.serve` hands over: it answers a longer one by itself, with 400. */
export const MAX_HEAD = 65_536;

/** Returns the bytes of a visit's target and fields, as HTTP/1.1 would write them. */
export function headSize({ target, fields }: Pick<Visit, "target" | "fields">): number {
  return target.length + fieldsLength(fields);
}

/** Says that a head is longer than `most` bytes (RFC 6585 section 5). */
export function headTooLong(most: number): VisitRefusal {
  return {
    code: "head",
    status: 431,
    reason: `the target and the fields of a request have at most ${most} bytes here`,
  };
}

/** The lists that are taken apart on this side. All others travel as they are, and Content-Length is one number. */
const LISTS: ReadonlySet<string> = new Set([
  "connection",
  "sec-websocket-protocol",
  "te",
  "upgrade",
  "x-forwarded-for",
]);

/** Says that a list of the request has more members than are read; null when none has. */
export function listTooLong(fields: readonly Field[]): VisitRefusal | null {
  for (const [name, value] of fields) {
    // Nearly all are short, which is cheaper to see than their names.
    if (value.length < MAX_MEMBERS || !LISTS.has(name) || !isLongList(value)) continue;
    return {
      code: "head",
      status: 431,
      reason: `the field ${name} lists more than ${MAX_MEMBERS} members, which are not read here`,
    };
  }
  return null;
}
