import type { Field } from "../../http/fields.ts";

/** A doctor's own visit, as it looks where it arrives. */
export interface Arrival {
  readonly request: Request;
  /** The request target, byte for byte. */
  readonly target: string;
  readonly fields: readonly Field[];
  /** The address of the one who brought it: the visitor, or the last proxy; null where that is not known. */
  readonly peer: string | null;
  /** Takes the WebSocket that is asked for, with the subprotocol that is offered. */
  upgrade(protocol: string): { readonly socket: WebSocket; readonly response: Response };
}

export type ProbeHandler = (arrival: Arrival) => Response | Promise<Response>;

/** A path that a doctor visits, until the end of its scope. */
export interface Probe extends Disposable {
  /** Begins with a slash and has no slash at its end; what stands behind it arrives at the probe as well. */
  readonly path: string;
}

/** Answers what a doctor asks: both ends of each visit are in this process, and can compare what they saw. */
export class Probes {
  readonly #handlers = new Map<string, ProbeHandler>();

  /** Makes a path that `handle` answers; nobody else can guess it. */
  open(handle: ProbeHandler): Probe {
    const id = crypto.randomUUID();
    this.#handlers.set(id, handle);
    return { path: PREFIX + id, [Symbol.dispose]: () => void this.#handlers.delete(id) };
  }

  answer(arrival: Arrival): Response | Promise<Response> {
    const at = arrival.target.indexOf(PREFIX);
    const id = at === -1 ? "" : arrival.target.slice(at + PREFIX.length).split(/[/?]/, 1)[0] ?? "";
    const handle = this.#handlers.get(id);
    if (handle !== undefined) return handle(arrival);
    return new Response("The way to this address is being checked. Come back in a minute.\n", {
      status: 503,
      headers: { "retry-after": "60" },
    });
  }
}

/** Where the paths of all probes begin. */
const PREFIX = "/tunnel-doctor/";
