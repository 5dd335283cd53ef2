import { withoutBrackets } from "../../net/authority.ts";

/** Where a Redis server is and how to enter it. */
export interface RedisAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTLS: boolean;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Reads `redis[s]://[[user]:password@]host[:port][/database]`, the scheme that IANA lists.
 *
 * @throws {RangeError} that never quotes the text, for there may be a password in it.
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "redis:" && url.protocol !== "rediss:")) {
    throw new RangeError("the address of Redis must be like redis://localhost:6379");
  }
  const database = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1];
  if (database === undefined || url.hostname === "" || url.search !== "" || url.hash !== "") {
    throw new RangeError("the address of Redis must be a host, a port and a database's number");
  }
  return {
    host: withoutBrackets(decode(url.hostname)),
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    isTLS: url.protocol === "rediss:",
    database: Number(database),
    username: decode(url.username) || undefined,
    password: decode(url.password) || undefined,
  };
}

/** Takes the password out of a text: some servers quote in an error what they were sent. */
export function withoutPassword(text: string, { password }: RedisAddress): string {
  return password === undefined ? text : text.replaceAll(password, "…");
}

const DEFAULT_PORT = 6379;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError("the address of Redis has a % that is not part of an encoded character");
  }
}
