import { fieldValue } from "../../http/fields.ts";
import { type Finding, right } from "./finding.ts";
import type { PublicWay } from "./public_way.ts";
import { failedVisit, wrongStatus } from "./visit_failure.ts";
import { Visitor } from "./visitor.ts";

const CHECK = "public URL";

const ADVICE = "Check that what the name leads to is the server, or a proxy in front of it";

/** Visits the public URL for the first time: whether its name, its certificate and all proxies lead to the probes. */
export async function checkFirstVisit({ way, probes }: PublicWay): Promise<Finding> {
  const word = crypto.randomUUID();
  using probe = probes.open(() => new Response(word));
  try {
    using visitor = await Visitor.open(way);
    await visitor.ask({ target: probe.path });
    const { head } = await visitor.answer();
    if (head.status !== 200 || await visitor.text() !== word) {
      return wrongStatus(CHECK, head.status, way.url);
    }
    return right(CHECK, `${way.url.origin}${through(head.fields)}`);
  } catch (error) {
    return failedVisit(CHECK, error, way.url, ADVICE);
  }
}

/** Names what stands in front of a server by the fields of an answer, with a comma before; empty for nothing. */
export function through(fields: Parameters<typeof fieldValue>[0]): string {
  const said = fieldValue(fields, "server") ?? fieldValue(fields, "via");
  return said === undefined ? "" : `, through a proxy (${said.slice(0, MAX_NAME)})`;
}

/** Characters of a proxy's name: enough to recognize it. */
const MAX_NAME = 40;
