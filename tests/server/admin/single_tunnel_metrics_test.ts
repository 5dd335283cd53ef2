import { assertEquals } from "@std/assert";
import { Metrics } from "../../../lib/server/admin/metrics.ts";
import {
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

/** Makes metrics over a registry whose tunnels each have a name beside their id. */
function tunnels(most: number) {
  const served = new Map<string, string>();
  const observers: TunnelObserver[] = [];
  const metrics = new Metrics();
  const single = new SingleTunnelMetrics(metrics, {
    upstreamsOf: (hostname) => {
      const id = served.get(hostname);
      if (id === undefined) return [];
      return [{ id, name: `shop-${id}`, hostnames: [`${id}.test`, `shop-${id}.test`] }];
    },
    load: (hostname) => hostname.length,
    observe: (observer) => void observers.push(observer),
  }, most);
  const hostnamesOf = (id: string) => [`${id}.test`, `shop-${id}.test`];
  return {
    join(id: string): void {
      for (const hostname of hostnamesOf(id)) served.set(hostname, id);
      for (const hostname of hostnamesOf(id)) observers[0]?.onJoined(hostname);
    },
    leave(id: string): void {
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
