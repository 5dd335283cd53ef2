import type { Field } from "../../http/fields.ts";
import type { Refusal } from "../tunnels/upstream.ts";

/** Bytes of the longest head that `Deno.serve` hands over: it answers a longer one by itself, with 400. */
export const MAX_HEAD = 65_536;

/** Bytes around a field in a head of HTTP/1.1: a colon, a blank and the end of the line. */
const AROUND_FIELD = 4;

/** Returns the bytes of a request's target and fields, as HTTP/1.1 would write them. */
export function headSize(target: string, fields: readonly Field[]): number {
  let size = target.length;
  for (const [name, value] of fields) size += name.length + value.length + AROUND_FIELD;
  return size;
}

/** Says that a head is longer than `most` bytes (RFC 6585 section 5). */
export function headTooLong(most: number): Refusal {
  return {
    status: 431,
    reason: `the target and the fields of a request have at most ${most} bytes here`,
    fields: [],
  };
}
