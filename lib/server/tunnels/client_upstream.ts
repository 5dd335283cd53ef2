import type { EdgeOptions } from "../../identity/visitor_policy.ts";
import { decodeRequestHead, encodeRequestHead } from "../../wire/head.ts";
import type { Session } from "../../mux/session.ts";
import type { Gatekeeper } from "../access/request_policy.ts";
import type { Asking, Exchange, Refusal, Upstream } from "./upstream.ts";

export interface MemberOptions {
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
  /** What its owner asks of the visitors. */
  readonly edge: EdgeOptions;
  /** Decides which requests it takes; without one it takes all. */
  readonly gatekeeper?: Gatekeeper;
}

/** One registered connection of a client. */
export class Member implements Upstream {
  readonly session: Session;
  readonly id: string;
  readonly thumbprint: string;
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly address: string;
  readonly edge: EdgeOptions;
  readonly since = new Date();
  readonly #gatekeeper: Gatekeeper | null;
  /** Bytes of frames that came from the client. */
  received = 0;
  /** Bytes of frames that went to the client. */
  sent = 0;

  constructor(options: MemberOptions) {
    this.session = options.session;
    this.id = options.id;
    this.thumbprint = options.thumbprint;
    this.name = options.name;
    this.hostnames = options.hostnames;
    this.address = options.address;
    this.edge = options.edge;
    this.#gatekeeper = options.gatekeeper ?? null;
  }

  admit(asking: Asking): Refusal | null | Promise<Refusal | null> {
    return this.#gatekeeper === null ? null : this.#gatekeeper.admit(asking);
  }

  open(type: number, head: Uint8Array, end: boolean, address: string): Exchange {
    const gatekeeper = this.#gatekeeper;
    const sent = gatekeeper?.ownsAuthorization ? withoutAuthorization(head) : head;
    const exchange = this.session.open(type, sent, end);
    if (gatekeeper !== null) exchange.stream.onFinish = gatekeeper.enter(address);
    return exchange;
  }
}

/**
 * Takes the tunnel's own password out of a head. A gateway is the origin server to its visitors (RFC 9110 section 3.7),
 * so what they were asked for ends here, and a service that is not told it cannot leak it.
 */
function withoutAuthorization(head: Uint8Array): Uint8Array {
  const { method, target, fields } = decodeRequestHead(head);
  return encodeRequestHead({
    method,
    target,
    fields: fields.filter(([name]) => name !== "authorization"),
  });
}
