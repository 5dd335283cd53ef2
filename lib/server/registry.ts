import { RegistrationError } from "../tunnel/registration_error.ts";
import type { Session } from "../tunnel/session.ts";
import { FIXED_HOSTNAME } from "./hostname.ts";
import type { Member } from "./member.ts";
import type { Unavailable } from "./upstream.ts";

/** Hostnames whose client has gone that are remembered, the oldest forgotten first: enough to tell "away" from "unknown". */
const MAX_AWAY = 10_000;

/** Connections that one hostname may have: a client opens at most 16, and a new one may overlap an old one that is dying. */
const MAX_MEMBERS = 64;

/** What hears of hostnames that get a member, and that lose their last. */
export interface RegistryListener {
  onJoined(hostname: string): void;
  onGone(hostname: string): void;
}

interface Served {
  readonly thumbprint: string;
  readonly members: Member[];
}

/** Maps hostnames to the connections of the clients that proved to own them. */
export class Registry {
  readonly #served = new Map<string, Served>();
  readonly #away = new Set<string>();
  readonly #listeners: RegistryListener[] = [];
  readonly #fixed: boolean;
  #fixedOwner: string | null = null;

  constructor(
    { fixed }: {
      /** Serve one hostname only, for the first key that asks. */ readonly fixed: boolean;
    },
  ) {
    this.#fixed = fixed;
  }

  /** Hostnames with at least one member. */
  get size(): number {
    return this.#served.size;
  }

  /** Yields the hostnames with at least one member. */
  hostnames(): IterableIterator<string> {
    return this.#served.keys();
  }

  /** Yields every member once. */
  *members(): Generator<Member> {
    for (const [hostname, { members }] of this.#served) {
      // One with several hostnames is listed under each.
      for (const member of members) if (member.hostnames[0] === hostname) yield member;
    }
  }

  /** Tells `listener` of every change from now on. */
  listen(listener: RegistryListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Adds a member to its hostnames, beside those that the same key has there.
   *
   * @throws {RegistrationError} `hostname_taken` when another key owns one, `try_again` when it has too many members.
   */
  add(member: Member): void {
    if (this.#fixed) this.#claimFixed(member.thumbprint);
    for (const hostname of member.hostnames) this.#check(hostname, member.thumbprint);
    for (const hostname of member.hostnames) this.#join(hostname, member);
  }

  remove(member: Member): void {
    for (const hostname of member.hostnames) this.#leave(hostname, member);
  }

  /** Returns the least loaded member that can take a stream, or why there is none. */
  select(hostname: string): Member | Unavailable {
    const members = this.#served.get(hostname)?.members;
    if (members === undefined) return this.knows(hostname) ? "away" : "unknown";
    let best: Member | undefined;
    for (const member of members) {
      const { session } = member;
      if (session.usable && (best === undefined || isBetter(session, best.session))) best = member;
    }
    return best ?? (members.some(({ session }) => session.full) ? "busy" : "away");
  }

  /** Whether the hostname has a member, or had one not too long ago. */
  knows(hostname: string): boolean {
    return this.#served.has(hostname) || this.#away.has(hostname) || hostname === FIXED_HOSTNAME;
  }

  #check(hostname: string, thumbprint: string): void {
    const served = this.#served.get(hostname);
    if (served === undefined) return;
    if (served.thumbprint !== thumbprint) {
      throw new RegistrationError("hostname_taken", `${hostname} belongs to another key`);
    }
    if (served.members.length >= MAX_MEMBERS) {
      const reason = `${hostname} has ${MAX_MEMBERS} connections already`;
      throw new RegistrationError("try_again", reason, false);
    }
  }

  #join(hostname: string, member: Member): void {
    const { thumbprint } = member;
    const served = this.#served.get(hostname) ?? { thumbprint, members: [] };
    // The newcomer may replace one that died without a word: until they answer, the others get no new streams.
    for (const other of served.members) other.session.probe();
    served.members.push(member);
    this.#served.set(hostname, served);
    this.#away.delete(hostname);
    for (const listener of this.#listeners) listener.onJoined(hostname);
  }

  #leave(hostname: string, member: Member): void {
    const served = this.#served.get(hostname);
    const at = served?.members.indexOf(member) ?? -1;
    if (served === undefined || at === -1) return;
    served.members.splice(at, 1);
    if (served.members.length > 0) return;
    this.#served.delete(hostname);
    this.#remember(hostname);
    for (const listener of this.#listeners) listener.onGone(hostname);
  }

  #claimFixed(thumbprint: string): void {
    this.#fixedOwner ??= thumbprint;
    if (this.#fixedOwner === thumbprint) return;
    throw new RegistrationError(
      "hostname_taken",
      "this server has one hostname, and another key has it until the server restarts",
    );
  }

  #remember(hostname: string): void {
    this.#away.delete(hostname);
    this.#away.add(hostname);
    if (this.#away.size <= MAX_AWAY) return;
    const [oldest] = this.#away;
    if (oldest !== undefined) this.#away.delete(oldest);
  }
}

function isBetter(session: Session, other: Session): boolean {
  if (session.answering !== other.answering) return session.answering;
  return session.load < other.load;
}
