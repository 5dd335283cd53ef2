import type { RefusedVisitors } from "../../wire/notice.ts";

/** Milliseconds between two lines of one kind: a tunnel that is over its limits has a notice a second, for hours. */
const INTERVAL = 10_000;

/** Kinds that are told apart: the server knows a dozen reasons, and anything else is a mistake of its. */
const MAX_KINDS = 32;

/** What the owner can know or do about each reason of a Notice; PROTOCOL.md lists them. */
const EXPLAINED: ReadonlyMap<string, string> = new Map([
  ["address", "their addresses are not in --allow-ip"],
  ["auth", "they did not give the user and password of --basic-auth"],
  ["rate", "the tunnel had more requests than the server's --rate-limit allows"],
  ["streams", "the tunnel had as many requests at once as the server gives it"],
  ["visitor", "one visitor had as many requests at once as the server gives it"],
  ["head", "the target and the fields were too long"],
  ["body", "the body was longer than the server takes"],
  ["idle", "the body came too slowly"],
  ["request", "the request could not be carried"],
  ["busy", "the tunnel took no more requests"],
  ["timeout", "the service did not answer in time"],
  [
    "get-body",
    "a GET or HEAD with a body cannot be carried. Send it with POST, which Elasticsearch takes for " +
    "a search too",
  ],
]);

type Tell = (sentence: string, refused: RefusedVisitors) => void;

/** Tells whom the server refused: each kind at once, and then added up every ten seconds. */
export class RefusalLines {
  readonly #tell: Tell;
  /** What was not told yet, by kind. */
  readonly #waiting = new Map<string, RefusedVisitors>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  add(refused: RefusedVisitors): void {
    const kind = `${refused.status} ${refused.reason}`;
    const before = this.#waiting.get(kind);
    if (before === undefined) {
      if (this.#waiting.size === MAX_KINDS) return;
      this.#say(refused);
    }
    const count = before === undefined ? 0 : before.count + refused.count;
    this.#waiting.set(kind, { ...refused, count });
    this.#timer ??= setTimeout(() => this.#sayWaiting(), INTERVAL);
  }

  /** Tells what is left to tell, and leaves no timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#sayWaiting();
    clearTimeout(this.#timer);
  }

  #sayWaiting(): void {
    this.#timer = undefined;
    for (const [kind, refused] of this.#waiting) {
      if (refused.count === 0) {
        this.#waiting.delete(kind);
        continue;
      }
      this.#say(refused);
      this.#waiting.set(kind, { ...refused, count: 0 });
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#sayWaiting(), INTERVAL);
  }

  #say(refused: RefusedVisitors): void {
    const { count, status, reason } = refused;
    const who = count === 1 ? "1 visitor was" : `${count} visitors were`;
    const why = EXPLAINED.get(reason) ?? reason;
    this.#tell(`${who} refused by the server with ${status}: ${why}`, refused);
  }
}
