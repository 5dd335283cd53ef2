/** One header field: a name in lower case and a value of Latin-1 characters (RFC 9110 section 5). */
export type Field = readonly [name: string, value: string];

/**
 * Drops what concerns one connection alone and keeps the rest in order: the fields below, and those
 * that Connection names (RFC 9110 section 7.6.1).
 */
export function withoutHopByHop(fields: readonly Field[]): Field[] {
  const first = fields.findIndex(isHopByHop);
  if (first === -1) return fields.slice();

  const named = connectionOptions(fields, first);
  // What Connection names may stand before it, so only then is the part before `first` looked at again.
  const kept = named === undefined ? fields.slice(0, first) : [];
  for (let i = kept.length; i < fields.length; i++) {
    const field = fields[i];
    if (field === undefined || HOP_BY_HOP.has(field[0])) continue;
    if (named !== undefined && named.has(field[0])) continue;
    kept.push(field);
  }
  return kept;
}

/** Returns the value of the first field of that name (in lower case), or undefined. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  for (const field of fields) {
    if (field[0] === name) return field[1];
  }
  return undefined;
}

/** Tells whether the text is a token, as methods, field names and subprotocols are (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (TOKEN_CHARACTERS[text.charCodeAt(i)] !== 1) return false;
  }
  return text.length > 0;
}

/**
 * Tells whether the text can stand as a field's value: Latin-1 with tabs but no other control
 * character, so that it can neither end its line nor be cut by a lenient parser (RFC 9110 section 5.5).
 */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < SPACE ? code !== TAB : code === DELETE || code > LATIN_1_END) return false;
  }
  return true;
}

const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;
const LATIN_1_END = 0xff;

/**
 * Proxy-Authenticate and its kin belong to one hop in effect (RFC 9110 section 11.7): the tunnel is not the
 * proxy that a visitor logs in to, and a password meant for another must not reach the origin.
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

/**
 * Connection may not name what is meant for every recipient (RFC 9110 section 7.6.1). Obeying it there would let
 * a visitor take away what a trusted proxy before us added, or what frames and routes the message.
 */
const END_TO_END: ReadonlySet<string> = new Set([
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

const TOKEN_CHARACTERS = tableOf(
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
);

function isHopByHop(field: Field): boolean {
  return HOP_BY_HOP.has(field[0]);
}

/** Collects the names that the Connection fields from `start` on give, or undefined when none takes effect. */
function connectionOptions(fields: readonly Field[], start: number): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = start; i < fields.length; i++) {
    const field = fields[i];
    if (field === undefined || field[0] !== "connection") continue;
    // Nearly every request says one of these two, and then there is nothing to split.
    if (field[1] === "keep-alive" || field[1] === "close") continue;
    for (const option of field[1].toLowerCase().split(",")) {
      const name = option.trim();
      if (name === "" || HOP_BY_HOP.has(name) || END_TO_END.has(name)) continue;
      named ??= new Set();
      named.add(name);
    }
  }
  return named;
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}
