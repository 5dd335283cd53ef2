import type { RequestHead } from "../../http/head.ts";
import { ErrorCode, StreamError } from "../../wire/errors.ts";

/** What the node that has the tunnel must know beside the head of a request. */
export interface NodeOpening {
  readonly hostname: string;
  /** The visitor's address. */
  readonly address: string;
}

/** The fields in which that stands, in front of all others: where a visitor's fields of these names never are. */
const HOSTNAME = "tunnel-hostname";
const VISITOR = "tunnel-visitor";

/** Puts an opening before the fields of a request. */
export function withOpening(
  { hostname, address }: NodeOpening,
  { method, target, fields }: RequestHead,
): RequestHead {
  return { method, target, fields: [[HOSTNAME, hostname], [VISITOR, address], ...fields] };
}

/** Takes an opening and the visitor's own head apart. @throws {StreamError} `Protocol` for anything else. */
export function parseOpening(
  { method, target, fields }: RequestHead,
): NodeOpening & { readonly head: RequestHead } {
  const [hostname, visitor, ...own] = fields;
  if (hostname?.[0] !== HOSTNAME || visitor?.[0] !== VISITOR) {
    throw new StreamError(ErrorCode.Protocol, "malformed opening of a request from another node");
  }
  return { hostname: hostname[1], address: visitor[1], head: { method, target, fields: own } };
}
