/** Milliseconds between two beats: how exactly silence is measured. */
const INTERVAL = 1000;

/** Milliseconds more than the interval that a beat may be late; beyond, the machine slept or the process was stopped. */
const SUSPENDED_AFTER = 5000;

/** What a heartbeat calls. */
export interface Beating {
  /** Called about once a second; `suspended` after the process could not run for a while, or the wall clock jumped ahead. */
  beat(now: number, suspended: boolean): void;
}

/** One timer for all sessions: keeps a coarse clock and tells each member of every beat. */
export class Heartbeat {
  readonly #members = new Set<Beating>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #wall = 0;
  #now = performance.now();

  /** Milliseconds of a monotonic clock, as of the last beat: cheap enough to be read for each message. */
  get now(): number {
    return this.#now;
  }

  add(member: Beating): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#now = performance.now();
    this.#wall = Date.now();
    this.#timer = setInterval(() => this.#beat(), INTERVAL);
  }

  remove(member: Beating): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    const wall = Date.now();
    const now = performance.now();
    // The monotonic clock may stand still while a machine sleeps, and the wall clock may be set back as it wakes.
    const passed = Math.max(wall - this.#wall, now - this.#now);
    const suspended = passed > INTERVAL + SUSPENDED_AFTER;
    this.#wall = wall;
    this.#now = now;
    for (const member of [...this.#members]) member.beat(this.#now, suspended);
  }
}
