import { DEAD_AFTER, PING_AFTER, SOCKET_LIMIT } from "../wire/limits.ts";

/** Milliseconds that a peer has to answer a ping that was sent out of doubt. */
const PROBE_TIMEOUT = 5_000;

/** Milliseconds in which something must leave a socket with unsent bytes: a peer that does not read is as good as dead. */
const STALLED_AFTER = 20_000;

/** Beats in a row that may come too late before silence counts again: a clock that keeps jumping looks like sleep. */
const MAX_RESUMES = 3;

/** What to do about a peer: nothing, send a ping, or give it up for the reason told. */
export type Verdict = "alive" | "ping" | { readonly dead: string };

/** Judges from silence, and from what its socket does not take, whether a peer still lives. Times are in milliseconds. */
export class Keepalive {
  #heard: number;
  #pinged = false;
  #probeUntil = 0;
  #buffered = 0;
  /** Beats that came too late since the peer was heard. */
  #resumes = 0;
  #movedAt: number;

  constructor(now: number) {
    this.#heard = now;
    this.#movedAt = now;
  }

  /** Whether the answer to a probe is still awaited. */
  get probing(): boolean {
    return this.#probeUntil !== 0;
  }

  /** Notes that something came from the peer, whatever it was. */
  heard(now: number): void {
    this.#restart(now);
    this.#resumes = 0;
  }

  /** Doubts the peer until it is heard; returns whether a ping is to be sent for that. */
  probe(now: number): boolean {
    if (this.#probeUntil !== 0) return false;
    this.#probeUntil = now + PROBE_TIMEOUT;
    return true;
  }

  /** Judges once a beat; `suspended` says that this process may not have run, `buffered` what the socket holds unsent, in bytes. */
  judge(now: number, suspended: boolean, buffered: number): Verdict {
    if (suspended && this.#resumes < MAX_RESUMES) return this.#askAnew(now);
    if (buffered === 0 || buffered < this.#buffered) this.#movedAt = now;
    this.#buffered = buffered;
    if (buffered > SOCKET_LIMIT || (buffered > 0 && now - this.#movedAt >= STALLED_AFTER)) {
      return { dead: "the peer does not read" };
    }
    const silent = now - this.#heard;
    if (silent >= DEAD_AFTER || (this.#probeUntil !== 0 && now >= this.#probeUntil)) {
      return { dead: `nothing was heard from the peer for ${Math.round(silent / 1000)} s` };
    }
    if (silent < PING_AFTER || this.#pinged) return "alive";
    this.#pinged = true;
    return "ping";
  }

  /** Waits for an answer before judging: the peer's frames may lie unread in the socket. */
  #askAnew(now: number): Verdict {
    this.#resumes++;
    this.#restart(now - PING_AFTER);
    this.#movedAt = now;
    this.probe(now);
    this.#pinged = true;
    return "ping";
  }

  /** Counts the silence from `since` on. */
  #restart(since: number): void {
    this.#heard = since;
    this.#pinged = false;
    this.#probeUntil = 0;
  }
}
