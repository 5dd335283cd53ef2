import { withoutBlanks } from "./octets.ts";

/** One header field: a name in lower case and a value, each character of which is one octet (RFC 9110 section 5). */
export type Field = readonly [name: string, value: string];

/** Returns the value of the first field of that name (in lower case), or undefined. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  for (const field of fields) {
    if (field[0] === name) return field[1];
  }
  return undefined;
}

/** Returns the values of all fields of that name as one list, which means the same (RFC 9110 section 5.3), or undefined. */
export function fieldValues(fields: readonly Field[], name: string): string | undefined {
  let values: string | undefined;
  for (const field of fields) {
    if (field[0] === name) values = values === undefined ? field[1] : `${values}, ${field[1]}`;
  }
  return values;
}

/**
 * Tells whether a field speaks of one connection alone (RFC 9110 section 7.6.1) and is never passed on; the name is
 * in lower case.
 */
export function isHopByHop(name: string): boolean {
  // The set needs the hash of the name, which V8 computes anew for each string that comes; most lengths rule it out.
  return HOP_BY_HOP_LENGTHS.has(name.length) && HOP_BY_HOP.has(name);
}

/**
 * Drops what concerns one connection alone and keeps the rest in order: the fields below, and those that Connection
 * names (RFC 9110 section 7.6.1).
 */
export function withoutHopByHop(fields: readonly Field[]): Field[] {
  const kept = fields.filter((field) => !isHopByHop(field[0]));
  if (kept.length === fields.length) return kept;
  const named = fieldsNamedBy(fieldValues(fields, "connection") ?? "");
  return named.size === 0 ? kept : kept.filter((field) => !named.has(field[0]));
}

/**
 * Returns the options that Connection fields give, in lower case: names of fields, and words such as `close`.
 * Several fields are joined by commas.
 */
export function connectionOptions(value: string): string[] {
  return listMembers(value.toLowerCase());
}

/** Returns the members of a field whose value is a list (RFC 9110 section 5.6.1), empty ones too. */
export function listMembers(value: string): string[] {
  return value.split(",").map(withoutBlanks);
}

/** Whether a TE field has the word which says that trailers are welcome (RFC 9110 section 10.1.4). */
export function takesTrailers(te: string | undefined): boolean {
  return te !== undefined && listMembers(te.toLowerCase()).includes("trailers");
}

/** The field that says so to the next hop. */
export const TAKES_TRAILERS: Field = ["te", "trailers"];

/** Whether a visitor holds its body back until a 100 asks for it (RFC 9110 section 10.1.1). */
export function expectsContinue(fields: readonly Field[]): boolean {
  return fieldValue(fields, "expect")?.toLowerCase() === "100-continue";
}

/** Members of a request's longest list: no program sends as many, and 64 KiB of commas take milliseconds to read. */
export const MAX_MEMBERS = 100;

/** Whether a list has more members than are read, found without reading on behind them. */
export function isLongList(value: string): boolean {
  if (value.length < MAX_MEMBERS) return false;
  let comma = -1;
  for (let members = 1; members <= MAX_MEMBERS; members++) {
    comma = value.indexOf(",", comma + 1);
    if (comma === -1) return false;
  }
  return true;
}

/**
 * The fields that speak of one connection alone (RFC 9110 section 7.6.1).
 *
 * Proxy-Authenticate and the fields that answer it are among them, for they belong to one hop in effect (section 11.7):
 * the tunnel is not the proxy that a visitor logs in to, and a password meant for another must not reach the origin.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields of a WebSocket's handshake that each hop writes by itself (RFC 6455 section 4), and that never travel. */
export const HANDSHAKE_FIELDS: ReadonlySet<string> = new Set([
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-version",
]);

const HOP_BY_HOP_LENGTHS: ReadonlySet<number> = new Set([...HOP_BY_HOP].map((name) => name.length));

/**
 * Connection may not name what is meant for every recipient (RFC 9110 section 7.6.1). Obeying it there would let
 * a visitor take away what a trusted proxy before us added, or what frames and routes the message.
 */
export const END_TO_END: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "forwarded",
  "host",
  "location",
  "origin",
  "range",
  "set-cookie",
  "vary",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
]);

const NOTHING: ReadonlySet<string> = new Set();

/** Returns the further fields that the value of Connection makes hop-by-hop. */
export function fieldsNamedBy(connection: string): ReadonlySet<string> {
  // Nearly every message says one of these two, and then there is nothing to split.
  if (connection === "keep-alive" || connection === "close" || connection === "") return NOTHING;
  return new Set(connectionOptions(connection).filter((name) => !END_TO_END.has(name)));
}

/** Takes a Cookie field apart into `name=value` texts (RFC 6265 section 4.2.1). */
export function cookiesOf(value: string): string[] {
  return value.split(";").map((cookie) => cookie.trim());
}

/**
 * Whether a Sec-Fetch-Site says that a page of another origin sends the request. Browsers send the field, and no page can
 * change it.
 */
export function isFromOtherSite(value: string | null | undefined): boolean {
  return value !== null && value !== undefined && value !== "same-origin" && value !== "none";
}
