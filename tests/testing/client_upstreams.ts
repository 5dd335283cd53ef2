import { ClientUpstream } from "../../lib/server/tunnels/client_upstream.ts";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import type { Session } from "../../lib/mux/session.ts";

/** Makes the upstream that a session becomes when its client registers. */
export function upstreamOf(
  session: Session,
  { hostname, more = [], thumbprint = "key" }: {
    readonly hostname: string;
    /** Further hostnames. */
    readonly more?: readonly string[];
    readonly thumbprint?: string;
  },
): ClientUpstream {
  return new ClientUpstream({
    session,
    id: thumbprint,
    thumbprint,
    name: "",
    hostnames: [hostname, ...more],
    address: "127.0.0.1",
    policy: OPEN_POLICY,
  });
}
