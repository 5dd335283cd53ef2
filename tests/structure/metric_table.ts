import { ServerMetrics } from "../../lib/server/admin/server_metrics.ts";
import { markdownTable } from "./markdown_table.ts";

/** Writes a table of what `/metrics` shows, those of a node among them, from the lines that tell of each. */
export function metricTable(): string {
  const metrics = new ServerMetrics({ size: 0, upstreams: () => [] });
  metrics.forCluster().watch({
    isUp: () => true,
    nodes: () => 0,
    links: () => 0,
    accepted: () => 0,
  });
  const text = metrics.render();
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)]
    .map(([, name = "", help = "", type = ""]) => [`\`${name}\``, type, help]);
  return markdownTable(["metric", "kind", "meaning"], rows);
}
