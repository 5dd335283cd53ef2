import { Registry } from "../../lib/server/tunnels/registry.ts";

/** Makes a registry whose limits no test reaches. */
export function roomyRegistry(): Registry {
  return new Registry({ fixed: false, maxTunnels: 10_000, maxConnections: 100 });
}
