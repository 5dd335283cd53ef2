import { HOP_BY_HOP } from "./fields.ts";

/** The line of a field that frames or routes a message, that is not passed on, or that may log in a connection. */
export interface NotableLine {
  readonly name: string;
  /** One bit of {@linkcode NotableKind}. */
  readonly kind: number;
  /** Offset of the line. */
  readonly start: number;
  /** Offset of its value. */
  readonly value: number;
  /** Offset behind its line end. */
  readonly end: number;
}

/** The bits by which lines are notable. */
export const NotableKind = { Host: 1, Length: 2, HopByHop: 4, Login: 8 } as const;

const KINDS: ReadonlyMap<string, number> = new Map([
  ["host", NotableKind.Host],
  ["content-length", NotableKind.Length],
  ["authorization", NotableKind.Login],
  ["www-authenticate", NotableKind.Login],
  ...[...HOP_BY_HOP].map((name): [string, number] => [name, NotableKind.HopByHop]),
]);

/** The longest name that is looked up, in octets; no notable one is longer. */
const MAX_NAME = 31;

/** The notable names of each length: most names have a length that none of these has. */
const NAMES_BY_LENGTH: readonly (readonly string[] | undefined)[] = Array.from(
  { length: MAX_NAME + 1 },
  (_, length) => {
    const names = [...KINDS.keys()].filter((name) => name.length === length);
    return names.length === 0 ? undefined : names;
  },
);

/** Returns the kind of a name in lower case; 0 when it is not notable. */
export function notableKind(name: string): number {
  return KINDS.get(name) ?? 0;
}

/** Returns the notable name that octets in lower case spell, or an empty text. */
export function notableName(octets: Uint8Array, start: number, length: number): string {
  const names = NAMES_BY_LENGTH[length];
  if (names === undefined) return "";
  for (const name of names) {
    let i = 0;
    while (i < length && octets[start + i] === name.charCodeAt(i)) i++;
    if (i === length) return name;
  }
  return "";
}
