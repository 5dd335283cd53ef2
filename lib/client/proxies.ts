import { type Environment, lookUp, UsageError } from "../cli/command_line.ts";
import { quotedOpenly } from "../cli/safe_text.ts";
import { AddressSet } from "../net/address_set.ts";
import { withoutBrackets } from "../net/authority.ts";
import { type HTTPProxy, isExempt, parseProxy } from "../net/http_proxy.ts";

/** Stands in --proxy for a direct way, whatever the environment says. */
export const DIRECT = "off";

/**
 * Finds the proxy on the way to each of these servers: the one that is `given`, else that of the environment.
 *
 * @throws {UsageError} for a variable that is needed and names no HTTP proxy.
 */
export function proxiesFor(
  servers: readonly string[],
  given: HTTPProxy | typeof DIRECT | null,
  environment: Environment,
): ReadonlyMap<string, HTTPProxy> {
  const proxies = new Map<string, HTTPProxy>();
  if (given === DIRECT) return proxies;
  for (const server of servers) {
    const proxy = given ?? usualProxy(new URL(server), environment);
    if (proxy !== null) proxies.set(server, proxy);
  }
  return proxies;
}

/** Reads the variables that curl and others go by; nobody means them for this machine itself. */
function usualProxy(server: URL, environment: Environment): HTTPProxy | null {
  const [, exempt] = variable("NO_PROXY", environment) ?? [];
  if (isLocal(server) || (exempt !== undefined && isExempt(exempt, server))) return null;
  const name = server.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const [found, text] = variable(name, environment) ?? [];
  if (text === undefined) return null;
  try {
    return parseProxy(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new UsageError(`${found} ${cause.message}, not ${quotedOpenly(text)}`, { cause });
  }
}

/** Returns a variable's name as it is spelt and its text; lower case comes first, as with curl. */
function variable(
  name: string,
  environment: Environment,
): readonly [name: string, text: string] | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    const text = lookUp(environment, spelling)?.trim() ?? "";
    if (text !== "") return [spelling, text];
  }
  return undefined;
}

function isLocal({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") ||
    LOOPBACK.has(withoutBrackets(hostname));
}

const LOOPBACK = AddressSet.parse("loopback");
