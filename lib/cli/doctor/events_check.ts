import { setTimeout as pause } from "node:timers/promises";
import { type Finding, right, wrong } from "./finding.ts";
import { PATIENCE, type PublicWay } from "./public_way.ts";
import { failedVisit, wrongStatus } from "./visit_failure.ts";
import { waitAtMost } from "../../net/with_timeout.ts";
import { durationText } from "../measures.ts";
import { Visitor } from "./visitor.ts";

const CHECK = "events";
const ADVICE = "A proxy on the way collects answers. nginx: proxy_buffering off;  Caddy: " +
  "flush_interval -1";

/** Events of the stream, and the milliseconds between two of them. */
const EVENTS = 5;
const GAP = 200;

/**
 * Reads a stream of events, each of which is sent only once the one before has come: what collects answers is noticed by
 * the first, however fast it is.
 */
export async function checkEvents(
  { way, probes, patience = PATIENCE }: PublicWay,
): Promise<Finding> {
  const feed = new Feed(patience);
  using probe = probes.open(({ request }) => feed.answer(request.signal));
  try {
    using visitor = await Visitor.open(way, { patience: 2 * patience });
    await visitor.ask({ target: probe.path, fields: [["accept", "text/event-stream"]] });
    const { head } = await visitor.answer();
    if (head.status !== 200) return wrongStatus(CHECK, head.status, way.url);
    let text = "";
    const decoder = new TextDecoder();
    for (let piece = await visitor.read(); piece !== null; piece = await visitor.read()) {
      text += decoder.decode(piece, { stream: true });
      feed.came(text.split("\n\n").length - 1);
    }
    return feed.isHeldBack
      ? wrong(CHECK, `arrive ${durationText(feed.slowest)} late, all at once`, ADVICE)
      : right(CHECK, `each within ${durationText(Math.ceil(feed.slowest))} of its sending`);
  } catch (error) {
    if (feed.isHeldBack) return wrong(CHECK, `none came within ${durationText(patience)}`, ADVICE);
    return failedVisit(CHECK, error, way.url, ADVICE);
  }
}

/** The two ends of the stream. */
class Feed {
  /** Whether an event did not come while the stream was open. */
  isHeldBack = false;
  /** Milliseconds that the slowest event took. */
  slowest = 0;
  readonly #patience: number;
  readonly #sent: number[] = [];
  readonly #arrivals = Array.from({ length: EVENTS }, () => Promise.withResolvers<void>());
  #came = 0;

  constructor(patience: number) {
    this.#patience = patience;
  }

  answer(gone: AbortSignal): Response {
    const encoder = new TextEncoder();
    // Nothing waits for a visitor who has left.
    gone.addEventListener("abort", () => this.#arrivals.forEach(({ resolve }) => resolve()));
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: async (controller) => {
        for (const [number, { promise }] of this.#arrivals.entries()) {
          this.#sent.push(performance.now());
          controller.enqueue(encoder.encode(`data: ${number}\n\n`));
          await waitAtMost(this.#patience, promise);
          if (gone.aborted) return;
          this.isHeldBack = this.#came <= number;
          if (this.isHeldBack) break;
          await pause(GAP);
        }
        controller.close();
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  /** Takes note that so many events have come. */
  came(count: number): void {
    const now = performance.now();
    for (; this.#came < Math.min(count, EVENTS); this.#came++) {
      this.slowest = Math.max(this.slowest, now - (this.#sent[this.#came] ?? now));
      this.#arrivals[this.#came]?.resolve();
    }
  }
}
