import { type Field, fieldValue } from "../../http/fields.ts";
import type { Arrival } from "./probes.ts";
import { type Finding, right, wrong } from "./finding.ts";
import type { PublicWay } from "./public_way.ts";
import { failedVisit } from "./visit_failure.ts";
import { Visitor } from "./visitor.ts";

const CHECK = "bytes";
const ADVICE = "Something on the way takes no such target or fields: raise its limits for heads";

/** What proxies like to tidy up in a target. */
const ODD_TARGET = "/a//b/../c;d=%2F/%2e%2E?e=%20+f'";

/** Fields that arrive as they are: octets beyond ASCII, a long one, and those that proxies change. */
const FIELDS: readonly Field[] = [
  ["x-doctor-octets", "\xe4\xf6 \xff"],
  ["x-doctor-long", "x".repeat(4_000)],
  ["accept-encoding", "gzip, br"],
  ["if-none-match", 'W/"doctor"'],
  ["cookie", "a=1; b=2"],
];

/** Cookies that would be one if they were joined: a date has a comma. */
const COOKIES = ["a=1; Expires=Thu, 01 Jan 2037 00:00:00 GMT", "b=2; Path=/"] as const;

/** The answer's body, long and plain enough to be compressed. */
const TEXT = "This page is the service's own.\n".repeat(100);

/** Asks for an odd target with odd fields, and compares what arrives at each end with what the other sent. */
export async function checkBytes({ way, probes }: PublicWay): Promise<readonly Finding[]> {
  let arrival: Arrival | null = null;
  using probe = probes.open((arrived) => {
    arrival = arrived;
    return answer();
  });
  const target = probe.path + ODD_TARGET;
  try {
    using visitor = await Visitor.open(way);
    await visitor.ask({ target, fields: FIELDS });
    const { head } = await visitor.answer();
    const changed = changedRequest(target, arrival) ??
      changedAnswer(head.status, head.fields, await visitor.text());
    // Of an answer that is not the probe's, the cookies tell nothing.
    if (changed !== null) return [changed];
    const cookies = head.fields.filter(([name]) => name === "set-cookie").map(([, value]) => value);
    return [right(CHECK, "target, fields and body as sent"), onCookies(cookies)];
  } catch (error) {
    return [failedVisit(CHECK, error, way.url, ADVICE)];
  }
}

/** Returns what was changed of the request; null for nothing. */
function changedRequest(target: string, arrival: Arrival | null): Finding | null {
  if (arrival === null) {
    return wrong(CHECK, `a request with an odd target and long fields did not arrive`, ADVICE);
  }
  if (arrival.target !== target) {
    const text = `the target arrived as ${tail(arrival.target)}, not as ${ODD_TARGET}`;
    return wrong(
      CHECK,
      text,
      "A proxy tidies up targets: in nginx, no path behind proxy_pass's host",
    );
  }
  const changed = FIELDS.filter(([name, value]) => fieldValue(arrival.fields, name) !== value)
    .map(([name]) => name);
  if (changed.length === 0) return null;
  const text = `fields did not arrive as they were sent: ${changed.join(", ")}`;
  return wrong(CHECK, text, "A proxy changes what it passes on: leave these fields as they are");
}

/** Returns what was changed of the answer; null for nothing. */
function changedAnswer(
  status: number,
  fields: readonly Field[],
  text: string,
): Finding | null {
  const coding = fieldValue(fields, "content-encoding");
  if (coding !== undefined) {
    return wrong(
      CHECK,
      `the answer was compressed on the way (${coding})`,
      "A proxy that compresses changes and holds back what services send: gzip off; in nginx",
    );
  }
  if (status !== STATUS || text !== TEXT) {
    return wrong(
      CHECK,
      `in place of the service's own page with status ${STATUS} came another one (${status})`,
      "A proxy replaces the pages of services: proxy_intercept_errors off; in nginx",
    );
  }
  if (fieldValue(fields, "x-doctor-answer") === ANSWER) return null;
  return wrong(
    CHECK,
    "a field of the answer did not arrive as it was sent",
    "A proxy changes what it passes on: let all fields of answers through",
  );
}

function onCookies(cookies: readonly string[]): Finding {
  if (cookies.join("\n") === COOKIES.join("\n")) return right("cookies", "apart, and as sent");
  return wrong(
    "cookies",
    `of ${COOKIES.length} cookies that were set ${cookies.length} came, or they came changed`,
    "A proxy joins or drops fields of one name: let each Set-Cookie through by itself",
  );
}

/** A status that proxies have pages of their own for. */
const STATUS = 404;

const ANSWER = "\xe9 as sent";

function answer(): Response {
  const headers = new Headers({ "content-type": "text/plain", "x-doctor-answer": ANSWER });
  for (const cookie of COOKIES) headers.append("set-cookie", cookie);
  return new Response(TEXT, { status: STATUS, headers });
}

/** Characters of a target that are shown. */
const MAX_SHOWN = 60;

/** Returns what stands behind the probe's path. */
function tail(target: string): string {
  return target.replace(/^.*\/tunnel-doctor\/[^/?]*/, "").slice(0, MAX_SHOWN);
}
