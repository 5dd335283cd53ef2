import { queryOf } from "../../http/target.ts";
import { parseAuthority } from "../../net/authority.ts";
import type { Router } from "../router.ts";
import type { Registry } from "../tunnels/registry.ts";

/** Where a TLS proxy that gets certificates on demand, as Caddy does, asks for which hosts it may. */
export const ASK_PATH = "/proxy/ask";

/** Characters of a target that is looked at: the path, and the longest name in percent-encoding. */
const MAX_TARGET = 1024;

export interface AskOptions {
  readonly router: Router;
  readonly registry: Registry;
  /** The other nodes; null where there are none. */
  readonly elsewhere: { knows(hostname: string): Promise<boolean> } | null;
}

/**
 * Tells whether the host in `?domain=` of an asking target is served here: the server's own, or a tunnel's, whose client
 * may be away. For any other, a visitor could have certificates issued without end, which authorities limit.
 */
export function isServed(
  target: string,
  { router, registry, elsewhere }: AskOptions,
): boolean | Promise<boolean> {
  const query = target.length > MAX_TARGET ? "" : queryOf(target);
  const asked = new URLSearchParams(query).get("domain");
  const host = parseAuthority(asked ?? "");
  if (host === undefined || host.isAddress || host.port !== null) return false;
  const { name } = host;
  const route = router.route({
    method: "GET",
    scheme: "https",
    authority: name,
    target: "/",
    host: name,
  });
  if (route.kind === "tunnel") {
    return registry.knows(route.hostname) || (elsewhere?.knows(route.hostname) ?? false);
  }
  return route.kind !== "refused";
}
