import type { ClientMark } from "../../identity/client_mark.ts";
import type { Session } from "../../mux/session.ts";
import type { OpenedStream } from "../../mux/stream.ts";
import type { RequestPolicy } from "../access/request_policy.ts";
import {
  type Asking,
  frameTypeOf,
  MovedError,
  type Opening,
  type Upstream,
  type VisitRefusal,
} from "./upstream.ts";

export interface ClientUpstreamOptions {
  readonly session: Session;
  /** The tunnel's id, which the key and the label make. */
  readonly id: string;
  /** The thumbprint of the key. */
  readonly thumbprint: string;
  /** The name that it has beside its id; empty for none. */
  readonly name: string;
  /** Where it is found; the first is the one that its id makes. */
  readonly hostnames: readonly string[];
  /** The client's address. */
  readonly address: string;
  /** What tells its client from others of the tunnel; null for one that does not tell. */
  readonly mark: ClientMark | null;
  /** Decides which requests it takes. */
  readonly requestPolicy: RequestPolicy;
}

/** One registered connection of a client. */
export class ClientUpstream implements Upstream {
  readonly session: Session;
  readonly id: string;
  readonly thumbprint: string;
  readonly address: string;
  readonly mark: ClientMark | null;
  readonly since = new Date();
  readonly #requestPolicy: RequestPolicy;
  #name: string;
  #hostnames: readonly string[];
  #hasLostName = false;
  /** Bytes of frames that came from the client. */
  received = 0;
  /** Bytes of frames that went to the client. */
  sent = 0;

  constructor(options: ClientUpstreamOptions) {
    this.session = options.session;
    this.id = options.id;
    this.thumbprint = options.thumbprint;
    this.#name = options.name;
    this.#hostnames = options.hostnames;
    this.address = options.address;
    this.mark = options.mark;
    this.#requestPolicy = options.requestPolicy;
  }

  /** The name that it has beside its id; empty for none. */
  get name(): string {
    return this.#name;
  }

  /** Where it is found; the first is the one that its id makes. */
  get hostnames(): readonly string[] {
    return this.#hostnames;
  }

  /** Whether a name was taken from it; its client is to register anew, without it. */
  get hasLostName(): boolean {
    return this.#hasLostName;
  }

  /** Leaves it the hostname of its id alone. */
  loseName(): void {
    this.#name = "";
    this.#hostnames = this.#hostnames.slice(0, 1);
    this.#hasLostName = true;
  }

  get maxBody(): number | null {
    return this.#requestPolicy.maxBody;
  }

  get tellsContinue(): boolean {
    return this.session.features.has("interim");
  }

  admit(asking: Asking): VisitRefusal | null | Promise<VisitRefusal | null> {
    return this.#requestPolicy.admit(asking);
  }

  open({ kind, head, hasBody, visitor }: Opening): OpenedStream {
    // Another connection of the client may have come, or room, while a password was checked.
    if (!this.session.usable) throw new MovedError("the client's connection takes no new streams");
    const requestPolicy = this.#requestPolicy;
    const own = requestPolicy.headFor(head);
    const exchange = this.session.open(frameTypeOf(kind), own, !hasBody);
    exchange.stream.onFinish = requestPolicy.enter(visitor);
    return exchange;
  }
}
