import { DEAD_AFTER, PING_AFTER, SOCKET_LIMIT } from "../wire/limits.ts";

/** Milliseconds that a peer has to answer a ping of a probe. */
const PROBE_TIMEOUT = 5_000;

/** Milliseconds in which a socket with unsent bytes must send some: a peer that does not read is treated as dead. */
const STALLED_AFTER = 20_000;

/** Late beats in a row that excuse silence: a clock that keeps jumping looks like sleep, again and again. */
const MAX_RESUMES = 3;

/** What to do about a peer: nothing, send a ping, or give it up for this reason. */
export type Verdict = "alive" | "ping" | { readonly dead: string };

/** Decides whether a peer still lives, by its silence and by what its socket does not take. Times are in milliseconds. */
export class Keepalive {
  #heard: number;
  #pinged = false;
  #probeUntil = 0;
  #buffered = 0;
  /** Late beats since the peer was heard. */
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

  /** Notes that something came from the peer. */
  heard(now: number): void {
    this.#restart(now);
    this.#resumes = 0;
  }

  /** Begins a probe, which ends when the peer is heard; returns whether to send a ping for it. */
  probe(now: number): boolean {
    if (this.#probeUntil !== 0) return false;
    this.#probeUntil = now + PROBE_TIMEOUT;
    return true;
  }

  /** Decides at each beat; `suspended` says that this process may not have run, `buffered` how many bytes the socket holds unsent. */
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
