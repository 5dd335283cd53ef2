import { encodeNotice, type NodeNotice, type RefusedVisitors } from "../../wire/notice.ts";
import type { AnswerCode, Outcome, RequestObserver, Visit } from "../listen/visit.ts";
import type { ClientUpstream } from "./client_upstream.ts";

/** Milliseconds between two Notices to a tunnel, at least: soon enough for a person, and little beside the requests. */
const INTERVAL = 1_000;

/** Kinds of refusal in one Notice, of at most a hundred bytes each, which its frame holds; further ones are not told. */
const MAX_KINDS = 32;

/** Hostnames of tunnels that are not on this node, of whose visitors is told at once: visitors can invent any number. */
const MAX_ELSEWHERE = 1_000;

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
  /** Tells the node that has the tunnel; null for a server that is alone. @default null */
  readonly tellElsewhere?: ((notice: NodeNotice) => void) | null;
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
  /** By the hostname of a tunnel that is not on this node. */
  readonly #elsewhere = new Map<string, Refusals>();
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
    if (tunnel === null || code === null || !TOLD_CODES.has(code)) return;
    const refused = { status, reason: code, count: 1 };
    if (this.#countHere(tunnel, refused) || !this.#options.tellElsewhere) return;
    if (this.#elsewhere.size < MAX_ELSEWHERE || this.#elsewhere.has(tunnel)) {
      this.#add(this.#elsewhere, { key: tunnel, hostname: tunnel }, refused);
    }
  }

  /** Counts a visitor of another node, whom this one has refused. */
  count(hostname: string, status: number, code: AnswerCode): void {
    if (TOLD_CODES.has(code)) this.#countHere(hostname, { status, reason: code, count: 1 });
  }

  /** Counts visitors whom another node has refused; those of a tunnel that is not here are told to nobody. */
  countAll({ hostname, refused }: NodeNotice): void {
    for (const each of refused) this.#countHere(hostname, each);
  }

  /** Counts visitors of a tunnel that is here; false for any other. */
  #countHere(hostname: string, refused: RefusedVisitors): boolean {
    const [upstream] = this.#options.upstreamsOf(hostname);
    if (upstream === undefined) return false;
    this.#add(this.#refused, { key: upstream.id, hostname }, refused);
    return true;
  }

  #add(
    all: Map<string, Refusals>,
    { key, hostname }: { readonly key: string; readonly hostname: string },
    { status, reason, count }: RefusedVisitors,
  ): void {
    if (this.#isClosed) return;
    const refused = all.get(key) ?? { hostname, kinds: new Map() };
    all.set(key, refused);
    const kind = `${status} ${reason}`;
    const before = refused.kinds.get(kind)?.count ?? 0;
    if (before > 0 || refused.kinds.size < MAX_KINDS) {
      refused.kinds.set(kind, { status, reason, count: before + count });
    }
    this.#timer ??= setTimeout(this.#tell, INTERVAL);
  }

  /** Tells nothing more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#refused.clear();
    this.#elsewhere.clear();
  }

  readonly #tell = (): void => {
    this.#timer = undefined;
    for (const { hostname, kinds } of this.#refused.values()) {
      const upstream = this.#options.upstreamsOf(hostname)
        .find(({ session }) => session.features.has("notices"));
      upstream?.session.sendNotice(encodeNotice({ refused: [...kinds.values()], clients: null }));
    }
    this.#refused.clear();
    for (const { hostname, kinds } of this.#elsewhere.values()) {
      this.#options.tellElsewhere?.({ hostname, refused: [...kinds.values()] });
    }
    this.#elsewhere.clear();
  };
}
