import { type Finding, right } from "./finding.ts";
import { durationText } from "../measures.ts";
import type { PublicWay } from "./public_way.ts";
import { failedVisit, wrongStatus } from "./visit_failure.ts";
import { Visitor } from "./visitor.ts";

const CHECK = "round trip";
const ADVICE = "Something on the way cuts connections between two requests";

/** Requests in a row; the middle one of their times is told. */
const COUNT = 11;

/** Asks for a small page some times over one connection. */
export async function checkRoundTrip({ way, probes }: PublicWay): Promise<Finding> {
  using probe = probes.open(() => new Response("here"));
  try {
    using visitor = await Visitor.open(way);
    const times: number[] = [];
    for (let i = 0; i < COUNT; i++) {
      const since = performance.now();
      await visitor.ask({ target: probe.path });
      const { head, keepAlive } = await visitor.answer();
      await visitor.text();
      if (head.status !== 200) return wrongStatus(CHECK, head.status, way.url);
      times.push(performance.now() - since);
      if (!keepAlive) break;
    }
    times.sort((a, b) => a - b);
    const middle = durationText(times[times.length >> 1] ?? 0);
    const slowest = durationText(times.at(-1) ?? 0);
    return right(CHECK, `${middle}, the slowest of ${times.length} ${slowest}`);
  } catch (error) {
    return failedVisit(CHECK, error, way.url, ADVICE);
  }
}
