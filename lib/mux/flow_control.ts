import { ErrorCode, SessionError } from "../wire/errors.ts";
import { MAX_WINDOW } from "../wire/limits.ts";

/** Milliseconds in which half a window must be consumed for the window to be what holds the stream back. */
const GROW_WITHIN = 1000;

/** Factor by which a window grows: each step takes a round trip, and a long link is filled after the last one only. */
const GROWTH = 4;

/** Credit that can never be exceeded: the sum of a window and what is added must fit in 31 bits, as in RFC 9113 section 6.9.1. */
const MAX_CREDIT = 0x7fff_ffff;

/**
 * Bytes after which a reader is known to take what it gets, and its window may grow into the second half of the budget. It
 * is more than a system takes in for a visitor that reads nothing: Linux has 4 MiB for what it sends on a connection.
 */
const PROVEN = 4 * 1024 * 1024;

/**
 * Bytes of credit that are given back together, at most. With half of a large window a link of 100 ms would run dry: what
 * is a little less than that half would be neither in the peer's hands nor on its way.
 */
const MAX_STEP = 2 * 1024 * 1024;

/** Counts what many take of one limit. */
export class Budget {
  #used = 0;

  constructor(readonly limit: number) {}

  get used(): number {
    return this.#used;
  }

  /** What is left of the first half, which may be given to those of whom nothing is known. */
  get spare(): number {
    return Math.max(0, this.limit / 2 - this.#used);
  }

  /** Takes `amount` and returns true; takes nothing where that would pass the limit. */
  tryTake(amount: number): boolean {
    if (this.#used + amount > this.limit) return false;
    this.#used += amount;
    return true;
  }

  /** Gives back what was taken before. */
  give(amount: number): void {
    this.#used -= amount;
  }
}

/** The bytes of body that a stream may still send. */
export class SendWindow {
  #available: number;
  #owed = 0;

  /** @throws {SessionError} `FlowControl` for more than a window may ever be. */
  constructor(initial: number) {
    if (initial > MAX_CREDIT) {
      throw new SessionError(ErrorCode.FlowControl, `a first window of ${initial} bytes`);
    }
    this.#available = initial;
  }

  get available(): number {
    return this.#available;
  }

  /** Bytes that were sent and for which the peer has given no credit yet. */
  get owed(): number {
    return this.#owed;
  }

  /** Spends credit; the caller has looked at `available`. */
  spend(bytes: number): void {
    this.#available -= bytes;
    this.#owed += bytes;
  }

  /**
   * Adds the peer's credit.
   *
   * @throws {SessionError} `FlowControl` for a credit of nothing or one that overflows the window.
   */
  add(credit: number): void {
    if (credit === 0 || this.#available + credit > MAX_CREDIT) {
      throw new SessionError(
        ErrorCode.FlowControl,
        `a credit of ${credit} bytes on a window of ${this.#available}`,
      );
    }
    this.#available += credit;
    this.#owed = Math.max(0, this.#owed - credit);
  }
}

/**
 * The bytes of body that the peer may still send, given back as the reader consumes them.
 *
 * The window grows fourfold while its reader empties it within a second, up to `MAX_WINDOW` and while the
 * session's budget allows: half of that until the reader has proved that it reads. So a long link fills, a stalled visitor
 * holds little, and all those who stall leave something to others.
 */
export class ReceiveWindow {
  readonly #budget: Budget;
  #size: number;
  #remaining: number;
  #consumed = 0;
  /** Bytes that were consumed before. */
  #total = 0;
  #since = 0;
  /** Whether the reader waited for more at any time since credit was given last. */
  #ranDry = false;
  #taken: number;

  /** Makes a window of `initial` bytes, `counted` when the caller has taken them from the budget. */
  constructor(initial: number, budget: Budget, counted: boolean) {
    this.#size = initial;
    this.#remaining = initial;
    this.#budget = budget;
    this.#taken = counted ? initial : 0;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Counts what arrived.
   *
   * @throws {SessionError} `FlowControl` when the peer sent more than it was allowed to.
   */
  receive(bytes: number): void {
    if (bytes > this.#remaining) {
      throw new SessionError(
        ErrorCode.FlowControl,
        `${bytes} bytes of body where ${this.#remaining} were allowed`,
      );
    }
    if (this.#since === 0) this.#since = performance.now();
    this.#remaining -= bytes;
  }

  /** Counts what the reader took and returns the credit to send now, which may be 0; `empty` says that the reader waits for more. */
  consume(bytes: number, empty: boolean): number {
    this.#consumed += bytes;
    if (empty) this.#ranDry = true;
    if (this.#consumed < Math.min(this.#size / 2, MAX_STEP)) return 0;
    let credit = this.#consumed;
    this.#total += credit;
    this.#consumed = 0;
    const now = performance.now();
    if (this.#ranDry && now - this.#since < GROW_WITHIN) credit += this.#grow();
    this.#ranDry = false;
    this.#since = now;
    this.#remaining += credit;
    return credit;
  }

  /** Gives back to the budget what the window took. */
  release(): void {
    this.#budget.give(this.#taken);
    this.#taken = 0;
  }

  #grow(): number {
    const room = MAX_WINDOW - this.#size;
    const more = this.#take(Math.min(this.#size * (GROWTH - 1), room)) ||
      this.#take(Math.min(this.#size, room));
    this.#size += more;
    return more;
  }

  /** Takes so many bytes from the budget, or 0 when it may not have all of them; returns what it took. */
  #take(bytes: number): number {
    if (bytes === 0 || (this.#total < PROVEN && bytes > this.#budget.spare)) return 0;
    if (!this.#budget.tryTake(bytes)) return 0;
    this.#taken += bytes;
    return bytes;
  }
}
