import { fieldsLength } from "../../http/head.ts";
import type { Visit } from "../listen/visit.ts";
import type { VisitRefusal } from "../tunnels/upstream.ts";
import type { VisitorConnection } from "./forwarded.ts";

/** A visit to a tunnel, and what its origin is told of it. */
export interface TunnelVisit {
  readonly visit: Visit;
  /** The target that the origin gets: routing by path has taken its part away. */
  readonly target: string;
  readonly connection: VisitorConnection;
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
