import { ChurnMap } from "../../mux/v8_memory.ts";

/** Milliseconds that a visitor waits before it is watched: most answers come sooner, and watching costs as much as routing. */
const WATCH_AFTER = 200;

/**
 * Visitors that may wait at once without being watched from the first. Each of them may be an HTTP/2 stream that was
 * reset at once, which takes one of its tunnel's streams until its head is overdue: a third of what one connection of
 * a client carries, were they all of one tunnel.
 */
const MAX_UNWATCHED = 300;

/** Numbers that a remote port can have. */
const PORTS = 0x1_0000;

/** What is known of how a request came; Deno does not tell. */
export type Version = "1.1" | "2" | "unknown";

/** What of a request tells how to watch its visitor. */
export interface Watched {
  readonly request: Request;
  readonly version: Version;
  /** The remote port. */
  readonly port: number;
}

interface Watch {
  readonly request: Request;
  readonly leave: () => void;
  readonly due: number;
  signal: AbortSignal | null;
}

/**
 * Tells when a visitor leaves before its answer has begun.
 *
 * The signal of an HTTP/1.1 request is asked for only when the answer takes a while; one that was aborted before
 * tells it then. Over HTTP/2 Deno does not, so there it is asked for at once; and where the version cannot be told, if
 * there are many, or another request of the same connection waits, as none does over HTTP/1.1 (pipelined ones are handled
 * in turn). All wait equally long, so one timer, set for the oldest, serves them all.
 */
export class Disconnects {
  /** By the order in which they began. */
  readonly #watches = new ChurnMap<number, Watch>();
  #begun = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Visitors that wait and were not watched from the first. */
  #unwatched = 0;
  /** Those that wait on each remote port: connections of several addresses that share one are watched for no more than that. */
  readonly #waiting = new Uint16Array(PORTS);

  /** Calls `leave` once the visitor has gone; what is returned ends the watch. */
  watch({ request, version, port }: Watched, leave: () => void): () => void {
    const number = ++this.#begun;
    const watch: Watch = { request, leave, due: performance.now() + WATCH_AFTER, signal: null };
    const isDelayed = version === "1.1" ||
      (version === "unknown" && this.#unwatched < MAX_UNWATCHED && this.#waiting[port] === 0);
    this.#waiting[port] = (this.#waiting[port] ?? 0) + 1;
    if (isDelayed) {
      this.#unwatched++;
      this.#watches.set(number, watch);
      this.#timer ??= setTimeout(this.#look, WATCH_AFTER);
    } else {
      listen(watch);
    }
    return () => {
      if (isDelayed) this.#unwatched--;
      this.#waiting[port] = (this.#waiting[port] ?? 1) - 1;
      this.#watches.take(number);
      watch.signal?.removeEventListener("abort", leave);
    };
  }

  /** Watches nobody any more, and leaves no timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#watches.takeAll();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    for (const [number, watch] of this.#watches) {
      if (watch.due > now) {
        this.#timer = setTimeout(this.#look, watch.due - now);
        return;
      }
      this.#watches.take(number);
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
