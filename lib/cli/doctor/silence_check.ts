import { type Finding, right, wrong } from "./finding.ts";
import { durationText } from "../measures.ts";
import { PATIENCE, type PublicWay } from "./public_way.ts";
import { failedVisit, wrongStatus } from "./visit_failure.ts";
import { Visitor } from "./visitor.ts";

const CHECK = "silence";
const ADVICE =
  "A proxy cuts streams that are silent: proxy_read_timeout 1d; in nginx, and the idle " +
  "timeout of a load balancer";

/** Milliseconds: longer than the minute after which proxies cut what is silent, unless they are told otherwise. */
export const SILENCE = 70_000;

/** Opens a stream that says something at its beginning and at its end, and nothing for `silence` milliseconds between. */
export async function checkSilence(
  { way, probes, patience = PATIENCE }: PublicWay,
  silence: number,
): Promise<Finding> {
  using probe = probes.open(() => new Response(silent(silence)));
  const since = performance.now();
  let isOpen = false;
  try {
    using visitor = await Visitor.open(way, { patience: silence + patience });
    await visitor.ask({ target: probe.path });
    const { head } = await visitor.answer();
    if (head.status !== 200) return wrongStatus(CHECK, head.status, way.url);
    isOpen = true;
    if (await visitor.text() === BEGINNING + END) {
      return right(CHECK, `a stream lives through ${durationText(silence)} of it`);
    }
  } catch (error) {
    if (!isOpen) return failedVisit(CHECK, error, way.url, ADVICE);
  }
  const after = durationText(performance.now() - since);
  return wrong(CHECK, `a silent stream was cut after ${after}`, ADVICE);
}

const BEGINNING = "first\n";
const END = "last\n";

function silent(silence: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(BEGINNING));
      timer = setTimeout(() => {
        controller.enqueue(encoder.encode(END));
        controller.close();
      }, silence);
    },
    cancel: () => clearTimeout(timer),
  });
}
