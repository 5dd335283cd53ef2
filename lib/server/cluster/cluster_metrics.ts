import type { Counter, Family, Metrics } from "../admin/metrics.ts";

/** What a cluster tells of itself when somebody looks. */
export interface ClusterFigures {
  readonly isUp: () => boolean;
  /** Other nodes that there is a link to. */
  readonly nodes: () => number;
  /** Links that this node opened. */
  readonly links: (isDirect: boolean) => number;
  /** Links that other nodes opened. */
  readonly accepted: () => number;
}

/** What a node of several counts beside a server that is alone. */
export class ClusterMetrics {
  readonly streamsIn: Counter;
  readonly streamsOut: Counter;
  readonly lookups: Family<Counter>;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    const streams = metrics.counter(
      "tunnel_node_streams_total",
      "Streams between nodes: in from another one, out to another one.",
      ["direction"],
    );
    this.streamsIn = streams.labels("in");
    this.streamsOut = streams.labels("out");
    this.lookups = metrics.counter(
      "tunnel_node_lookups_total",
      "Searches for a tunnel on other nodes, by what came of them.",
      ["result"],
    );
  }

  /** Shows these figures from now on. */
  watch({ isUp, nodes, links, accepted }: ClusterFigures): void {
    const metrics = this.#metrics;
    metrics.gauge("tunnel_bus_up", "Whether the bus can be asked: 1 or 0.", () => isUp() ? 1 : 0);
    metrics.gauge("tunnel_nodes", "Other nodes that this one has a link to.", nodes);
    const help = "Links between nodes, by how they go and who opened them.";
    metrics.gauge("tunnel_node_links_direct", `${help} Direct, by this one.`, () => links(true));
    metrics.gauge(
      "tunnel_node_links_bus",
      `${help} Over the bus, by this one.`,
      () => links(false),
    );
    metrics.gauge("tunnel_node_links_accepted", `${help} By other nodes.`, accepted);
  }
}
