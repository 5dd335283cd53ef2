import { RegistrationError } from "../tunnel/registration_error.ts";
import type { Session } from "../tunnel/session.ts";
import { FIXED_HOSTNAME } from "./hostname.ts";

/** Hostnames whose client has gone that are remembered, the oldest forgotten first: enough to tell "away" from "unknown". */
const MAX_AWAY = 10_000;

/** Sessions that one hostname may have: a client opens at most 16, and a new one may overlap an old one that is dying. */
const MAX_SESSIONS = 64;

interface Tunnel {
  readonly thumbprint: string;
  readonly sessions: Session[];
}

/** Maps hostnames to the sessions of the clients that proved to own them. */
export class Registry {
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #away = new Set<string>();
  readonly #fixed: boolean;
  #fixedOwner: string | null = null;

  constructor(
    { fixed }: {
      /** Serve one hostname only, for the first key that asks. */ readonly fixed: boolean;
    },
  ) {
    this.#fixed = fixed;
  }

  /** Hostnames with at least one session. */
  get size(): number {
    return this.#tunnels.size;
  }

  /** Yields every registered session. */
  *sessions(): Generator<Session> {
    for (const tunnel of this.#tunnels.values()) yield* tunnel.sessions;
  }

  /**
   * Adds a session to its hostname, beside those that the same key has there.
   *
   * @throws {RegistrationError} `hostname_taken` when another key owns it, `try_again` when it has too many sessions.
   */
  add(hostname: string, thumbprint: string, session: Session): void {
    if (this.#fixed) this.#claimFixed(thumbprint);
    const tunnel = this.#tunnels.get(hostname) ?? { thumbprint, sessions: [] };
    if (tunnel.thumbprint !== thumbprint) {
      throw new RegistrationError("hostname_taken", `${hostname} belongs to another key`);
    }
    if (tunnel.sessions.length >= MAX_SESSIONS) {
      throw new RegistrationError(
        "try_again",
        `${hostname} has ${MAX_SESSIONS} connections already`,
        false,
      );
    }
    // The newcomer may replace one that died without a word: until they answer, the others get no new streams.
    for (const other of tunnel.sessions) other.probe();
    tunnel.sessions.push(session);
    this.#tunnels.set(hostname, tunnel);
    this.#away.delete(hostname);
  }

  remove(hostname: string, session: Session): void {
    const tunnel = this.#tunnels.get(hostname);
    const at = tunnel?.sessions.indexOf(session) ?? -1;
    if (tunnel === undefined || at === -1) return;
    tunnel.sessions.splice(at, 1);
    if (tunnel.sessions.length === 0) {
      this.#tunnels.delete(hostname);
      this.#remember(hostname);
    }
  }

  /** Returns the least loaded session that can take a stream, or why there is none. */
  select(hostname: string): Session | "away" | "busy" | "unknown" {
    const sessions = this.#tunnels.get(hostname)?.sessions;
    if (sessions === undefined) {
      return this.#away.has(hostname) || hostname === FIXED_HOSTNAME ? "away" : "unknown";
    }
    let best: Session | undefined;
    for (const session of sessions) {
      if (session.usable && (best === undefined || isBetter(session, best))) best = session;
    }
    return best ?? (sessions.some((session) => session.full) ? "busy" : "away");
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
