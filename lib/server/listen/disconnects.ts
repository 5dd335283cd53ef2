import { ChurnMap } from "../../mux/v8_memory.ts";

/**
 * Milliseconds that a visitor waits before it is watched. Most answers come sooner, and asking Deno for the signal of a
 * request costs a tenth of what the server's CPU does for a small answer.
 */
const WATCH_AFTER = 200;

interface Watch {
  readonly request: Request;
  readonly leave: () => void;
  /** When it begins, in milliseconds since the process started. */
  readonly due: number;
  signal: AbortSignal | null;
}

/**
 * Tells when a visitor leaves before its answer has begun.
 *
 * A request is watched only when its answer takes a while, since the signal of one that was aborted before that is aborted
 * when it is asked for. All wait equally long, so one timer, set for the oldest, serves them all.
 */
export class Disconnects {
  /** Those that are not watched yet, in the order in which they came; each is a request that the server has open. */
  readonly #waiting = new ChurnMap<number, Watch>();
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `leave` once the visitor, which came `since`, has gone; what is returned ends the watch. */
  watchSoon(request: Request, since: number, leave: () => void): () => void {
    const number = ++this.#count;
    const watch: Watch = { request, leave, due: since + WATCH_AFTER, signal: null };
    this.#waiting.set(number, watch);
    this.#timer ??= setTimeout(this.#look, WATCH_AFTER);
    return () => {
      this.#waiting.take(number);
      watch.signal?.removeEventListener("abort", leave);
    };
  }

  /** Begins no further watch, and leaves no timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.takeAll();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [number, watch] of this.#waiting) {
      if (watch.due > now) {
        this.#timer = setTimeout(this.#look, watch.due - now);
        return;
      }
      this.#waiting.take(number);
      watch.signal = watchNow(watch.request, watch.leave);
    }
  };
}

/** Calls `leave` once the visitor has gone, also when it has gone already. @returns the signal that tells it. */
export function watchNow({ signal }: Request, leave: () => void): AbortSignal {
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave);
  return signal;
}
