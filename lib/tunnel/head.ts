/** One header field: a name in lower case and a value of Latin-1 characters (RFC 9110 section 5). */
export type Field = readonly [name: string, value: string];

/** What opens an exchange: the start line of a request and its fields, in order. */
export interface RequestHead {
  /** A token, case-sensitive (RFC 9110 section 9.1). */
  readonly method: string;
  /** The request target in origin-form or asterisk-form, as the visitor sent it (RFC 9112 section 3.2). */
  readonly target: string;
  readonly fields: readonly Field[];
}

/** What answers it: the status and the fields, in order. */
export interface ResponseHead {
  /** 200 to 599; 101 never travels, a WSResponse says it. */
  readonly status: number;
  readonly fields: readonly Field[];
}
