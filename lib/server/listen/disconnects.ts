import type { VisitWatcher, Watch } from "./visit.ts";

/**
 * Milliseconds that a visitor waits before it is watched. Most answers come sooner, and asking Deno for the signal of a
 * request costs a tenth of what the server's CPU does for a small answer.
 */
const WATCH_AFTER = 200;

/**
 * Tells when a visitor leaves before its answer has begun.
 *
 * A request is watched only when its answer takes a while, since the signal of one that was aborted before that is aborted
 * when it is asked for. All wait equally long, so one timer, set for the oldest, serves them all.
 */
export class Disconnects {
  /**
   * Those that are not watched yet, in the order in which they came; each is a request that the server has open. The
   * place of one that has ended is empty until the next look: most end at once, which costs a map more than a list.
   */
  readonly #waiting: (LaterWatch | null)[] = [];
  /** Places that have gone from the front. */
  #gone = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Tells the watcher once the visitor, which came `since`, has gone. */
  watchSoon(request: Request, since: number, watcher: VisitWatcher): Watch {
    const place = this.#gone + this.#waiting.length;
    const watch = new LaterWatch(this, place, { request, watcher, due: since + WATCH_AFTER });
    this.#waiting.push(watch);
    this.#timer ??= setTimeout(this.#look, WATCH_AFTER);
    return watch;
  }

  /** Empties a place. */
  forget(place: number): void {
    const index = place - this.#gone;
    if (index >= 0) this.#waiting[index] = null;
  }

  /** Begins no further watch, and leaves no timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#drop(this.#waiting.length);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    const next = this.#waiting.find((watch) => watch !== null && watch.due > now) ?? null;
    const due = this.#waiting.slice(0, next === null ? undefined : this.#waiting.indexOf(next));
    this.#drop(due.length);
    if (next !== null) this.#timer = setTimeout(this.#look, next.due - now);
    for (const watch of due) watch?.begin();
  };

  #drop(count: number): void {
    this.#waiting.splice(0, count);
    this.#gone += count;
  }
}

/** A watch that begins when it is due. */
class LaterWatch implements Watch {
  readonly due: number;
  readonly #request: Request;
  readonly #watcher: VisitWatcher;
  readonly #disconnects: Disconnects;
  readonly #place: number;
  #begun: Watch | null = null;

  constructor(
    disconnects: Disconnects,
    place: number,
    { request, watcher, due }: {
      readonly request: Request;
      readonly watcher: VisitWatcher;
      /** In milliseconds since the process started. */
      readonly due: number;
    },
  ) {
    this.#disconnects = disconnects;
    this.#place = place;
    this.#request = request;
    this.#watcher = watcher;
    this.due = due;
  }

  begin(): void {
    this.#begun = watchNow(this.#request, this.#watcher);
  }

  end(): void {
    if (this.#begun === null) this.#disconnects.forget(this.#place);
    else this.#begun.end();
  }
}

/** Tells the watcher once the visitor has gone, also when it has gone already. */
export function watchNow({ signal }: Request, watcher: VisitWatcher): Watch {
  const leave = (): void => watcher.leave();
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave);
  return { end: () => signal.removeEventListener("abort", leave) };
}
