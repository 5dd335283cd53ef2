import type { Field } from "../../http/fields.ts";
import { fieldsLength } from "../../http/field_lines.ts";
import type { ResponseHead } from "../../http/head.ts";

/** Bytes of an exchange's interim responses that are kept: those of early hints take a few kilobytes. */
const MAX_KEPT_INTERIM = 16 * 1024;

/** Bytes that an interim response takes beside its fields, by and large. */
const HEAD_OVERHEAD = 64;

/** What passed beside heads and bodies: most exchanges have nothing of it. Each method returns the bytes that it keeps. */
export class Asides {
  /** Interim responses (1xx), the first first. */
  readonly interim: ResponseHead[] = [];
  requestTrailers: readonly Field[] | null = null;
  responseTrailers: readonly Field[] | null = null;
  #interimLength = 0;

  addInterim({ status, fields }: ResponseHead): number {
    const length = HEAD_OVERHEAD + fieldsLength(fields);
    if (this.#interimLength + length > MAX_KEPT_INTERIM) return 0;
    this.#interimLength += length;
    this.interim.push({ status, fields });
    return length;
  }

  setRequestTrailers(fields: readonly Field[]): number {
    this.requestTrailers = fields;
    return fieldsLength(fields);
  }

  setResponseTrailers(fields: readonly Field[]): number {
    this.responseTrailers = fields;
    return fieldsLength(fields);
  }
}
