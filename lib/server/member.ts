import type { EdgeOptions } from "../tunnel/edge.ts";
import type { Session } from "../tunnel/session.ts";
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
  }

  admit(_asking: Asking): Refusal | null {
    return null;
  }

  open(type: number, head: Uint8Array, end: boolean): Exchange {
    return this.session.open(type, head, end);
  }
}
