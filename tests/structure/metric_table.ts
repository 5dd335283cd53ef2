import { ServerMetrics } from "../../lib/server/admin/server_metrics.ts";
import { markdownTable } from "./markdown_table.ts";

/** Writes a table of what `/metrics` shows, those of a node among them, from the lines that tell of each. */
export function metricTable(): string {
  const rows = [...rendered().matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)]
    .map(([, name = "", help = "", type = ""]) => [`\`${name}\``, type, help]);
  return markdownTable(["metric", "kind", "meaning"], rows);
}

/** Returns the names of all of them. */
export function metricNames(): readonly string[] {
  return [...rendered().matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name);
}

/** Renders all metrics that a server can have. */
function rendered(): string {
  const metrics = new ServerMetrics({ size: 0, upstreams: () => [] });
  metrics.forCluster().watch({
    isUp: () => true,
    nodes: () => 0,
    links: () => 0,
    accepted: () => 0,
  });
  const none = () => [];
  metrics.forTunnels({ upstreams: none, upstreamsOf: none, load: () => 0, observe() {} }, 1);
  return metrics.render();
}
