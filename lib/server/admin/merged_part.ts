import type { ListedTunnel, TunnelPart } from "./operator_view.ts";

/**
 * Merges the parts that nodes have of one page, each sorted by id. A node that has sent less than the page takes hides
 * nothing of the others: the page ends where the first of them ends. What one tunnel has on several nodes stays together.
 */
export function mergedPart(parts: readonly TunnelPart[], limit: number): TunnelPart {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  const ends = parts.map(({ next }) => next).filter((next) => next !== null).sort();
  const [end = null] = ends;
  const all = parts.flatMap(({ tunnels }) => tunnels)
    .filter(({ id }) => end === null || id <= end)
    .sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  const tunnels: ListedTunnel[] = [];
  for (const tunnel of all) {
    if (tunnels.length >= limit && tunnel.id !== tunnels.at(-1)?.id) break;
    tunnels.push(tunnel);
  }
  const isWhole = tunnels.length === all.length && end === null;
  return { total, tunnels, next: isWhole ? null : tunnels.at(-1)?.id ?? end };
}
