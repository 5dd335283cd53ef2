import type { Log } from "../../cli/log.ts";
import { percentEncoded } from "../../http/octets.ts";
import type { Outcome, RequestObserver, Visit } from "../listen/visit.ts";

/** Characters of a target that are shown: more than the log keeps of any value, so that it says how much is missing. */
const MAX_TARGET = 2_048;

/** Writes one line for each request of a visitor, when its answer is over. */
export class AccessLog implements RequestObserver {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  finished(visit: Visit, { status, code, time }: Outcome): void {
    this.#log.info("request", {
      method: visit.method,
      host: visit.host ?? undefined,
      target: percentEncoded(visit.target.slice(0, MAX_TARGET)),
      status,
      bytes: visit.sent,
      milliseconds: Math.round(time * 10) / 10,
      visitor: visit.address,
      tunnel: visit.tunnel ?? undefined,
      reason: code ?? undefined,
    });
  }
}
