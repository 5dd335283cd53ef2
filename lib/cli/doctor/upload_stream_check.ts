import { withTimeout } from "../../net/with_timeout.ts";
import { type Finding, right, wrong } from "./finding.ts";
import { durationText } from "../measures.ts";
import { PATIENCE, type PublicWay } from "./public_way.ts";
import { failedVisit, wrongStatus } from "./visit_failure.ts";
import { Visitor } from "./visitor.ts";

const CHECK = "upload";
const ADVICE = "A proxy on the way collects uploads: proxy_request_buffering off; in nginx";

/** Bytes of each of the two halves of the upload. */
const HALF = 1_000;

/** Sends a body in two halves, the second of them only once the first has arrived, or should have. */
export async function checkUploadStream(
  { way, probes, patience = PATIENCE }: PublicWay,
): Promise<Finding> {
  const first = Promise.withResolvers<number>();
  using probe = probes.open(async ({ request }) => {
    let length = 0;
    for await (const piece of request.body ?? []) {
      if (length === 0) first.resolve(performance.now());
      length += piece.length;
    }
    return new Response(`${length}`);
  });
  try {
    using visitor = await Visitor.open(way);
    await visitor.ask({
      method: "POST",
      target: probe.path,
      fields: [["content-length", `${2 * HALF}`], ["content-type", "application/octet-stream"]],
    });
    await visitor.send(new Uint8Array(HALF));
    const since = performance.now();
    const came = await withTimeout(patience, first.promise, () => null);
    await visitor.send(new Uint8Array(HALF));
    const { head } = await visitor.answer("POST");
    if (head.status !== 200 || await visitor.text() !== `${2 * HALF}`) {
      return wrongStatus(CHECK, head.status, way.url);
    }
    return came === null
      ? wrong(CHECK, `nothing arrived within ${durationText(patience)}, then all at once`, ADVICE)
      : right(
        CHECK,
        `not collected: what is sent arrives within ${durationText(Math.ceil(came - since))}`,
      );
  } catch (error) {
    return failedVisit(CHECK, error, way.url, ADVICE);
  }
}
