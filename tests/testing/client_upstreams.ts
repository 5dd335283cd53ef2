import { OwnRates } from "../../lib/server/access/own_rates.ts";
import { RequestPolicy } from "../../lib/server/access/request_policy.ts";
import { GuessQueue } from "../../lib/server/access/guess_queue.ts";
import { VisitorQuotas } from "../../lib/server/access/visitor_quotas.ts";
import { ServerMetrics } from "../../lib/server/admin/server_metrics.ts";
import { ClientUpstream } from "../../lib/server/tunnels/client_upstream.ts";
import type { ClientMark } from "../../lib/identity/client_mark.ts";
import { OPEN_POLICY } from "../../lib/identity/visitor_policy.ts";
import type { Session } from "../../lib/mux/session.ts";
import { MAX_STREAMS } from "../../lib/wire/limits.ts";
import { roomyRegistry } from "./roomy_registry.ts";

/** Makes the upstream that a session becomes when its client registers. */
export function upstreamOf(
  session: Session,
  { hostname, more = [], thumbprint = "key", mark = null, requestPolicy = openPolicy() }: {
    readonly hostname: string;
    /** Further hostnames. */
    readonly more?: readonly string[];
    readonly thumbprint?: string;
    /** @default its client does not tell */
    readonly mark?: ClientMark | null;
    /** @default takes every request */
    readonly requestPolicy?: RequestPolicy;
  },
): ClientUpstream {
  return new ClientUpstream({
    session,
    id: thumbprint,
    thumbprint,
    name: "",
    hostnames: [hostname, ...more],
    address: "127.0.0.1",
    mark,
    requestPolicy,
  });
}

function openPolicy(): RequestPolicy {
  return new RequestPolicy({
    id: "a",
    owner: "192.0.2.9",
    policy: OPEN_POLICY,
    requests: null,
    ownRates: new OwnRates({ most: 10 }),
    isOwnHost: () => true,
    isSecure: true,
    streams: MAX_STREAMS,
    visitors: new VisitorQuotas(MAX_STREAMS, null),
    guesses: new GuessQueue(),
    limited: new ServerMetrics(roomyRegistry()).limited,
    load: () => 0,
  });
}
