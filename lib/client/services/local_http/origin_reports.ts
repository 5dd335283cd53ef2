import { messageOf } from "../../../cli/safe_text.ts";
import { OriginError } from "../../../http/origin_error.ts";
import { BoundedMap } from "../../../net/bounded_map.ts";
import { StreamError } from "../../../wire/errors.ts";
import type { TroubleHearer } from "../service.ts";

/** Milliseconds after which a trouble that goes on is told again: ten minutes. */
const TOLD_AGAIN_AFTER = 600_000;

/** Kinds of trouble that are remembered as told: more than one origin has at a time. */
const MAX_KINDS = 64;

export interface OriginReportsHearers {
  readonly onTrouble: TroubleHearer;
  /** Hears each time that nothing takes a connection where the origin should be. */
  readonly onUnreachable: () => void;
}

/** Tells the owner what is wrong with the origin, or with this program: each kind once in a while and not once a request. */
export class OriginReports {
  readonly #address: string;
  readonly #hearers: OriginReportsHearers;
  /** When each kind was told, in ms of `performance.now()`. */
  readonly #told = new BoundedMap<string, number>(MAX_KINDS);

  /** Takes what the origin is called, and what hears of it. */
  constructor(address: string, hearers: OriginReportsHearers) {
    this.#address = address;
    this.#hearers = hearers;
  }

  /** Tells what was mended of an answer. */
  mended(faults: readonly string[]): void {
    for (const fault of faults) {
      this.#once(
        `${this.#address} breaks HTTP: ${fault}. Visitors get it mended; such an answer ends its connection.`,
      );
    }
  }

  /** Tells that the origin speaks something else than HTTP/1.1, and what to do. */
  isForeign(advice: string): void {
    this.#once(`${this.#address}: ${advice}`);
  }

  /** Tells that the origin asks for a login that no tunnel can carry. */
  loggedIn(): void {
    this.#once(
      `${this.#address} asks for NTLM or Negotiate, which log in a connection: ` +
        "visitors share connections, so that such a login ends with each answer. Let it offer another one.",
    );
  }

  /** Tells why an exchange failed, unless this side gave it up. */
  failed(error: unknown): void {
    if (error instanceof StreamError) return;
    if (!(error instanceof OriginError)) {
      this.#mistaken(error);
    } else if (error.code === "refused" || error.code === "unreachable") {
      this.#hearers.onUnreachable();
    } else if (error.code !== "aborted") {
      const reason = messageOf(error);
      const isNamed = reason.includes(this.#address);
      this.#once(`a visitor got no answer${isNamed ? "" : ` from ${this.#address}`}: ${reason}`);
    }
  }

  #mistaken(error: unknown): void {
    const mistake = error instanceof Error ? error : new Error(String(error));
    if (!this.#isNew(`${mistake.name}: ${mistake.message}`)) return;
    this.#hearers.onTrouble(
      "a visitor got 502 because of a mistake in this program: please report it",
      mistake,
    );
  }

  #once(sentence: string): void {
    if (this.#isNew(sentence)) this.#hearers.onTrouble(sentence);
  }

  /** Whether a trouble was not told for a while; it is told now. */
  #isNew(text: string): boolean {
    const kind = text.replace(VARYING, "");
    const now = performance.now();
    if (now - (this.#told.get(kind) ?? -Infinity) < TOLD_AGAIN_AFTER) return false;
    this.#told.set(kind, now);
    return true;
  }
}

/** What differs between troubles of one kind: quotations and numbers, which a visitor may have a hand in. */
const VARYING = /"(?:[^"\\]|\\.)*"|\d+/g;
