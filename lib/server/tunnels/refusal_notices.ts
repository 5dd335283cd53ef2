import { encodeNotice, type RefusedVisitors } from "../../wire/notice.ts";
import type { AnswerCode, Outcome, RequestObserver, Visit } from "../listen/visit.ts";
import type { ClientUpstream } from "./client_upstream.ts";

/** Milliseconds between two Notices to a tunnel, at least: soon enough for a person, and little beside the requests. */
const INTERVAL = 1_000;

/** Kinds of refusal in one Notice, of at most a hundred bytes each, which its frame holds; further ones are not told. */
const MAX_KINDS = 32;

/** What a tunnel's owner is told of: refusals by the server that the client does not see, or sees only in part. */
export const TOLD_CODES: ReadonlySet<AnswerCode> = new Set([
  "address",
  "auth",
  "rate",
  "streams",
  "visitor",
  "websockets",
  "head",
  "body",
  "idle",
  "get-body",
  "request",
  "busy",
  "moved",
  "timeout",
]);

export interface RefusalNoticesOptions {
  /** Returns the connections of the tunnel that has a hostname; none where it is not on this node. */
  readonly upstreamsOf: (hostname: string) => readonly Pick<ClientUpstream, "id" | "session">[];
}

/** What was refused at one tunnel since it was last told. */
interface Refusals {
  /** One of its hostnames. */
  readonly hostname: string;
  /** By status and reason. */
  readonly kinds: Map<string, RefusedVisitors>;
}

/** Counts the visitors that are refused at each tunnel, and tells the tunnel's client once a second. */
export class RefusalNotices implements RequestObserver {
  readonly #options: RefusalNoticesOptions;
  /** By the tunnel's id: as many at most as are registered. */
  readonly #refused = new Map<string, Refusals>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: RefusalNoticesOptions) {
    this.#options = options;
  }

  /** Counts a visitor of this node. */
  finished(
    { tunnel }: Pick<Visit, "tunnel">,
    { status, code }: Pick<Outcome, "status" | "code">,
  ): void {
    if (tunnel !== null && code !== null) this.count(tunnel, status, code);
  }

  /** Counts a visitor of a hostname, who got that status. */
  count(hostname: string, status: number, code: AnswerCode): void {
    if (this.#isClosed || !TOLD_CODES.has(code)) return;
    const [upstream] = this.#options.upstreamsOf(hostname);
    if (upstream === undefined) return;
    const refused = this.#refused.get(upstream.id) ?? { hostname, kinds: new Map() };
    this.#refused.set(upstream.id, refused);
    const kind = `${status} ${code}`;
    const before = refused.kinds.get(kind)?.count ?? 0;
    if (before > 0 || refused.kinds.size < MAX_KINDS) {
      refused.kinds.set(kind, { status, reason: code, count: before + 1 });
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
    for (const { hostname, kinds } of this.#refused.values()) {
      const upstream = this.#options.upstreamsOf(hostname)
        .find(({ session }) => session.features.has("notices"));
      upstream?.session.sendNotice(encodeNotice({ refused: [...kinds.values()], clients: null }));
    }
    this.#refused.clear();
  };
}
