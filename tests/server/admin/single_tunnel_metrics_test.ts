import { assertEquals } from "@std/assert";
import { Metrics } from "../../../lib/server/admin/metrics.ts";
import {
  type ObservedUpstream,
  SingleTunnelMetrics,
  type TunnelObserver,
} from "../../../lib/server/admin/single_tunnel_metrics.ts";

Deno.test("SingleTunnelMetrics names so many tunnels at once, and counts the others together", () => {
  const { join, leave, visit, lines } = tunnels(2);
  join("a");
  join("b");
  join("c");
  for (const tunnel of ["a", "a", "b", "c", "nobody"]) visit(`${tunnel}.test`);
  visit("shop-a.test");
  assertEquals(lines("requests_total"), ["a shop-a 3", "b shop-b 1", "other  2"]);
  assertEquals(lines("streams"), ["a shop-a 6", "b shop-b 6"]);

  // Its line ends with it, and what was counted of it is not the others'.
  leave("b");
  join("d");
  visit("d.test", true);
  visit("c.test", true);
  assertEquals(lines("requests_total"), ["a shop-a 3", "d shop-d 1", "other  3"]);
  assertEquals(lines("requests_refused_total"), ["a shop-a 0", "d shop-d 1", "other  1"]);
});

Deno.test("SingleTunnelMetrics counts the bytes of connections that are open and of those that are over, and no counter falls", () => {
  const { join, carry, leave, lines } = tunnels(1);
  join("a");
  join("b");
  carry("a", 10, 20);
  carry("b", 1, 2);
  const received = () => lines("received_bytes_total");
  const sent = () => lines("sent_bytes_total");
  assertEquals([received(), sent()], [["a shop-a 10", "other  1"], ["a shop-a 20", "other  2"]]);
  leave("b");
  join("b");
  carry("b", 5, 6);
  assertEquals([received(), sent()], [["a shop-a 10", "other  6"], ["a shop-a 20", "other  8"]]);
  // The place is free, and b's next connection takes it: what it carried before stays where it was.
  leave("a");
  join("b");
  assertEquals(received(), ["b shop-b 0", "other  6"]);
  carry("b", 7, 0);
  assertEquals([received(), sent()], [["b shop-b 7", "other  6"], ["b shop-b 0", "other  8"]]);
});

/** Makes metrics over a registry whose tunnels each have a name beside their id. */
function tunnels(most: number) {
  const served = new Map<string, ObservedUpstream & { received: number; sent: number }>();
  const observers: TunnelObserver[] = [];
  const metrics = new Metrics();
  const single = new SingleTunnelMetrics(metrics, {
    upstreams: () => new Set(served.values()),
    upstreamsOf: (hostname) => {
      const upstream = served.get(hostname);
      return upstream === undefined ? [] : [upstream];
    },
    load: (hostname) => hostname.length,
    observe: (observer) => void observers.push(observer),
  }, most);
  const hostnamesOf = (id: string) => [`${id}.test`, `shop-${id}.test`];
  return {
    join(id: string): void {
      const hostnames = hostnamesOf(id);
      const upstream = served.get(`${id}.test`) ??
        { id, name: `shop-${id}`, hostnames, received: 0, sent: 0 };
      for (const hostname of hostnames) served.set(hostname, upstream);
      for (const hostname of hostnames) observers[0]?.onJoined(hostname);
    },
    carry(id: string, received: number, sent: number): void {
      const upstream = served.get(`${id}.test`);
      if (upstream === undefined) return;
      upstream.received += received;
      upstream.sent += sent;
    },
    leave(id: string): void {
      const upstream = served.get(`${id}.test`);
      if (upstream !== undefined) observers[0]?.onLeaving(upstream);
      for (const hostname of hostnamesOf(id)) served.delete(hostname);
      for (const hostname of hostnamesOf(id)) observers[0]?.onGone(hostname);
    },
    visit: (tunnel: string, isRefused = false) =>
      single.finished({ tunnel }, { code: isRefused ? "rate" : null }),
    /** Returns id, name and value of each line of a metric. */
    lines: (metric: string): readonly string[] =>
      [...metrics.render().matchAll(/^tunnel_single_(\w+)\{tunnel="(.*)",name="(.*)"\} (.*)$/gm)]
        .filter(([, name]) => name === metric)
        .map(([, , id, name, value]) => `${id} ${name} ${value}`),
  };
}
