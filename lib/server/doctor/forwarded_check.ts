import { type Finding, right, wrong } from "../../cli/doctor/finding.ts";
import type { Arrival } from "../../cli/doctor/probes.ts";
import type { PublicWay } from "../../cli/doctor/public_way.ts";
import { failedVisit } from "../../cli/doctor/visit_failure.ts";
import { Visitor } from "../../cli/doctor/visitor.ts";
import { type Field, fieldValue } from "../../http/fields.ts";
import type { AddressSet } from "../../net/address_set.ts";

const CHECK = "visitors";
const REPLACE = "Have it replace these: proxy_set_header X-Forwarded-For $remote_addr; in nginx, " +
  "and likewise the others";

/** An address for documents (RFC 5737), which no visitor has. */
const FALSE_ADDRESS = "192.0.2.66";

/** What a visitor might claim; no proxy may pass it on as its own word. */
const CLAIMS: readonly Field[] = [
  ["forwarded", `for=${FALSE_ADDRESS};proto=gopher`],
  ["x-forwarded-for", FALSE_ADDRESS],
  ["x-forwarded-host", "claimed.invalid"],
  ["x-forwarded-proto", "gopher"],
  ["x-real-ip", FALSE_ADDRESS],
];

export interface ForwardedCheckOptions extends PublicWay {
  /** The proxies whose word counts; null for none. */
  readonly trustProxy: AddressSet | null;
  /** Whether visitors come by a proxy for certain, which has the certificate. */
  readonly isBehindProxy: boolean;
}

/** Looks whether the server learns from the proxy in front who asks, and from nobody else. */
export async function checkForwarded(options: ForwardedCheckOptions): Promise<Finding> {
  const { way, probes } = options;
  let arrival: Arrival | null = null;
  using probe = probes.open((arrived) => {
    arrival = arrived;
    return new Response();
  });
  try {
    using visitor = await Visitor.open(way);
    await visitor.ask({ target: probe.path, fields: CLAIMS });
    await visitor.answer();
  } catch (error) {
    return failedVisit(CHECK, error, way.url, "See the proxy's log");
  }
  return arrival === null
    ? wrong(CHECK, "a visit that has X-Forwarded-For did not arrive", "See the proxy's log")
    : judged(arrival, options);
}

function judged(
  { fields, peer }: Arrival,
  { trustProxy, isBehindProxy, way }: ForwardedCheckOptions,
): Finding {
  const from = peer ?? "?";
  if (trustProxy === null) {
    return isBehindProxy
      ? wrong(
        CHECK,
        `all seem to be at ${from}, the proxy's address`,
        `Start the server with --trust-proxy ${from}, once the proxy replaces X-Forwarded-*`,
      )
      : right(CHECK, "what they claim of themselves in X-Forwarded-* is replaced by the server");
  }
  if (!trustProxy.has(from)) {
    const text = `they come from ${from}, whose word --trust-proxy does not count`;
    return wrong(CHECK, text, `Add ${from} to --trust-proxy, if that is the proxy`);
  }
  const believed = CLAIMS.filter(([name, claim]) => fieldValue(fields, name)?.includes(claim))
    .map(([name]) => name);
  if (believed.length === 0) return onWord(fields, way.url);
  return wrong(CHECK, `the proxy passes on what they claim in ${believed.join(", ")}`, REPLACE);
}

/** Judges what the proxy says itself. */
function onWord(fields: readonly Field[], url: URL): Finding {
  const scheme = url.protocol.slice(0, -1);
  const said = fieldValue(fields, "x-forwarded-proto") ?? "nothing";
  if (said !== scheme) {
    const text = `they come by ${scheme}, and X-Forwarded-Proto says ${said}`;
    return wrong(CHECK, text, "Set it: proxy_set_header X-Forwarded-Proto $scheme; in nginx");
  }
  const address = fieldValue(fields, "x-forwarded-for");
  return address === undefined
    ? wrong(CHECK, "their addresses are not told", REPLACE)
    : right(CHECK, `told by the proxy, which replaces what they claim (${address})`);
}
