import {
  type Flag,
  flagName,
  integerFlag,
  type Rate,
  rateFlag,
  sizeFlag,
} from "../../cli/flags.ts";
import { quoted } from "../../cli/safe_text.ts";

/** What the tunnels of one key may have; null for what the server says. */
export interface KeyLimits {
  /** Requests to each of its tunnels. */
  readonly rate: Rate | null;
  /** Requests and WebSockets of each tunnel at once. */
  readonly maxStreams: number | null;
  /** Bytes of a request's body. */
  readonly maxBody: number | null;
}

/** What stands behind a key beside its names. */
export interface KeySettings {
  readonly limits: KeyLimits;
  /** Milliseconds since 1970 from which on it is not let in; null for never. */
  readonly expires: number | null;
}

/** The limits of a key of which nothing is said. */
export const NO_KEY_LIMITS: KeyLimits = { rate: null, maxStreams: null, maxBody: null };

const NONE = { group: "", help: "", default: null };

/** Each is read as the flag of the server that it is like. */
const LIMITS: { readonly [Name in keyof KeyLimits]: Flag<KeyLimits[Name]> } = {
  rate: rateFlag(NONE),
  maxStreams: integerFlag({ ...NONE, least: 1, most: 1_000_000 }),
  maxBody: sizeFlag({ ...NONE, least: 1, most: Number.MAX_SAFE_INTEGER }),
};

/** Reads words such as `rate=100/s` and `expires=2027-01-31`. @throws {RangeError} at the first that is wrong. */
export function parseKeySettings(words: readonly string[]): KeySettings {
  const given = new Map<string, string>();
  for (const word of words) {
    const [name = "", ...value] = word.split("=");
    if (!NAMES.includes(name)) {
      throw new RangeError(`there is no setting ${quoted(name)}: ${NAMES.join(", ")}`);
    }
    if (given.has(name)) throw new RangeError(`${name} is given more than once`);
    given.set(name, value.join("="));
  }
  const read = <T>(name: string, parse: (text: string) => T): T | null => {
    const text = given.get(name);
    if (text === undefined) return null;
    try {
      return parse(text);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new RangeError(`${name} ${cause.message}, not ${quoted(text)}`, { cause });
    }
  };
  const limit = <Name extends keyof KeyLimits>(name: Name) =>
    read(flagName(name), (text) => LIMITS[name].read([text]));
  return {
    limits: { rate: limit("rate"), maxStreams: limit("maxStreams"), maxBody: limit("maxBody") },
    expires: read(EXPIRES, parseExpiry),
  };
}

const EXPIRES = "expires";

const NAMES: readonly string[] = [...Object.keys(LIMITS).map(flagName), EXPIRES];

/** Milliseconds. */
const DAY = 24 * 60 * 60 * 1000;

/** Reads the last day of a key, in UTC, or the time at which it ends. */
function parseExpiry(text: string): number {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z$/.test(text);
  const time = isDay || isTime ? Date.parse(text) : NaN;
  // The 31st of February becomes a day of March.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text.slice(0, 10))) {
    throw new RangeError("must be a day such as 2027-01-31, or a time such as 2027-01-31T12:00Z");
  }
  return isDay ? time + DAY : time;
}
