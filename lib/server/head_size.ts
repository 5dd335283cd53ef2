import type { Field } from "../tunnel/headers.ts";

/** Bytes around a field in a head of HTTP/1.1: a colon, a blank and the end of the line. */
const AROUND_FIELD = 4;

/** Returns the bytes of a request's target and fields, as HTTP/1.1 would write them. */
export function headSize(target: string, fields: readonly Field[]): number {
  let size = target.length;
  for (const [name, value] of fields) size += name.length + value.length + AROUND_FIELD;
  return size;
}
