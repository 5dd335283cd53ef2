import { OwnRates } from "../../../lib/server/access/own_rates.ts";
import { DenyList } from "../../../lib/server/access/deny_list.ts";
import { Log } from "../../../lib/cli/log.ts";
import { Heartbeat } from "../../../lib/mux/heartbeat.ts";
import { GuessQueue } from "../../../lib/server/access/guess_queue.ts";
import { Names } from "../../../lib/server/access/names.ts";
import { RegistrationPolicy } from "../../../lib/server/access/registration_policy.ts";
import { VisitorQuotas } from "../../../lib/server/access/visitor_quotas.ts";
import { ServerMetrics } from "../../../lib/server/admin/server_metrics.ts";
import type { Bus } from "../../../lib/server/bus/bus.ts";
import { ClientCounts } from "../../../lib/server/tunnels/client_counts.ts";
import type { ClientSessionContext } from "../../../lib/server/tunnels/client_session.ts";
import type { Registry } from "../../../lib/server/tunnels/registry.ts";

/** The URL that the clients of such a server were given. */
export const AUDIENCE = "https://tunnel.test";

/** Makes what the sessions of one server's clients share, where everybody may register. */
export function sessionContext(registry: Registry, bus: Bus): ClientSessionContext {
  const metrics = new ServerMetrics(registry);
  return {
    registry,
    registrationPolicy: new RegistrationPolicy({
      token: null,
      keys: null,
      denyList: DenyList.inMemory(),
      registrations: { count: 100, period: 1000 },
      names: new Names({ bus, onLost() {} }),
      whyNoName: () => null,
    }),
    clientCounts: new ClientCounts({ upstreamsOf: (hostname) => registry.upstreamsOf(hostname) }),
    tunnelLimits: {
      requests: null,
      ownRates: new OwnRates({ most: 10 }),
      streams: 10,
      visitors: new VisitorQuotas(10, null),
      guesses: new GuessQueue(),
      limited: metrics.limited,
    },
    heartbeat: new Heartbeat(),
    metrics,
    log: new Log({ format: "text", level: "error", write() {} }),
    server: "tunnel/test",
    headTimeout: 30_000,
    url: AUDIENCE,
    isAudience: (audience) => audience === AUDIENCE,
    addressOf: (label) => ({
      hostname: `${label}.tunnel.test`,
      url: `https://${label}.tunnel.test`,
    }),
  };
}
