import type { Session } from "../../mux/session.ts";
import { encodeNotice, type RefusedVisitors } from "../../wire/notice.ts";

/** Milliseconds between two Notices to a tunnel, at least: soon enough for a person, and little beside the requests. */
const INTERVAL = 1_000;

/** Kinds of refusal in one Notice, of at most a hundred bytes each, which its frame holds; further ones are not told. */
const MAX_KINDS = 32;

export interface RefusalNoticesOptions {
  /** Yields the sessions of the tunnel that has a hostname. */
  readonly sessionsOf: (hostname: string) => Iterable<Session>;
}

/** Counts the visitors that are refused at each tunnel, and tells the tunnel's client once a second. */
export class RefusalNotices {
  readonly #options: RefusalNoticesOptions;
  /** By hostname and then by kind: as many tunnels at most as are registered. */
  readonly #refused = new Map<string, Map<string, RefusedVisitors>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: RefusalNoticesOptions) {
    this.#options = options;
  }

  /** Counts a visitor who got that status, for a reason as PROTOCOL.md has it. */
  count(hostname: string, status: number, reason: string): void {
    if (this.#isClosed) return;
    const kinds = this.#refused.get(hostname) ?? new Map<string, RefusedVisitors>();
    this.#refused.set(hostname, kinds);
    const kind = `${status} ${reason}`;
    const before = kinds.get(kind)?.count ?? 0;
    if (before > 0 || kinds.size < MAX_KINDS) {
      kinds.set(kind, { status, reason, count: before + 1 });
    }
    this.#timer ??= setTimeout(this.#tell, INTERVAL);
  }

  /** Tells nothing more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#refused.clear();
  }

  readonly #tell = (): void => {
    this.#timer = undefined;
    for (const [hostname, kinds] of this.#refused) {
      for (const session of this.#options.sessionsOf(hostname)) {
        if (!session.features.has("notices")) continue;
        session.sendNotice(encodeNotice([...kinds.values()]));
        break;
      }
    }
    this.#refused.clear();
  };
}
