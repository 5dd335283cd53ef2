/** Milliseconds that a visitor waits before it is watched: most answers come sooner, and watching costs as much as routing. */
const WATCH_AFTER = 200;

interface Watch {
  readonly request: Request;
  readonly leave: () => void;
  readonly due: number;
  signal: AbortSignal | null;
}

/**
 * Tells when a visitor leaves before its answer has begun.
 *
 * The signal of an HTTP/1.1 request is asked for only when the answer takes a while; one that was aborted
 * before tells it then. Over HTTP/2 Deno does not, so there it is asked for at once. All wait equally
 * long, so one timer, set for the oldest, serves them all.
 */
export class Departures {
  readonly #watches = new Set<Watch>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `leave` once the visitor has gone; what is returned ends the watch. */
  watch(
    request: Request,
    leave: () => void,
    { isHTTP2 = false }: { readonly isHTTP2?: boolean } = {},
  ): () => void {
    const watch: Watch = { request, leave, due: performance.now() + WATCH_AFTER, signal: null };
    if (isHTTP2) {
      listen(watch);
    } else {
      this.#watches.add(watch);
      this.#timer ??= setTimeout(this.#look, WATCH_AFTER);
    }
    return () => {
      this.#watches.delete(watch);
      watch.signal?.removeEventListener("abort", leave);
    };
  }

  /** Watches nobody any more, and leaves no timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#watches.clear();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const watch of this.#watches) {
      if (watch.due > now) {
        this.#timer = setTimeout(this.#look, watch.due - now);
        return;
      }
      this.#watches.delete(watch);
      listen(watch);
    }
  };
}

function listen(watch: Watch): void {
  const { signal } = watch.request;
  watch.signal = signal;
  if (signal.aborted) watch.leave();
  else signal.addEventListener("abort", watch.leave);
}
