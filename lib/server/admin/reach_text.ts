import type { ListedNode, Reach } from "./operator_view.ts";

/** Characters of an id by which a person tells a few nodes from each other. */
const SHORT = 8;

/** Returns what a person calls a node. */
export function nodeName({ id, url }: Pick<ListedNode, "id" | "url">): string {
  return url === null ? id.slice(0, SHORT) : new URL(url).host;
}

/** Says which nodes an answer is not about, as a part of a sentence; empty when it is about all. */
export function missingText({ nodes, isBusAway }: Reach): string {
  if (isBusAway) return "the bus is away, and the other nodes with it";
  const silent = nodes.filter(({ answers }) => !answers).map(nodeName);
  if (silent.length === 0) return "";
  return silent.length === 1
    ? `the node ${silent} does not answer`
    : `the nodes ${silent.join(", ")} do not answer`;
}
