import { networkOf } from "../../net/ip_address.ts";
import { Tally } from "../../net/tally.ts";
import type { Visit } from "../listen/visit.ts";
import { RETRY_SOON, type VisitRefusal } from "../tunnels/upstream.ts";

/** How many WebSockets visitors may have on this node, each until it is closed. */
export interface WebSocketLimits {
  readonly maxWebsockets: number;
  /** Of one tunnel, by each hostname that it has. */
  readonly maxTunnelWebsockets: number;
  /** Of one visitor, by its address or its IPv6 network. */
  readonly maxVisitorWebsockets: number;
}

/** What of a visit decides whose WebSocket it is. */
export type WebSocketVisit = Pick<Visit, "address" | "tunnel">;

/**
 * Counts the WebSockets of visitors. They have limits of their own beside those for streams, since each can hold memory
 * that no window bounds: a listener gathers a message before anybody may refuse it.
 */
export class WebSocketQuotas {
  readonly #limits: WebSocketLimits;
  readonly #tunnels = new Tally<string>();
  readonly #visitors = new Tally<string>();

  constructor(limits: WebSocketLimits) {
    this.#limits = limits;
  }

  /** WebSockets that are open, or asked for. */
  get count(): number {
    return this.#visitors.total;
  }

  /** Says why a visit may have no WebSocket; null when it may. */
  refusal({ address, tunnel }: WebSocketVisit): VisitRefusal | null {
    const { maxWebsockets, maxTunnelWebsockets, maxVisitorWebsockets } = this.#limits;
    if (this.#visitors.count(networkOf(address)) >= maxVisitorWebsockets) return VISITOR_FULL;
    if (this.#tunnels.count(tunnel ?? "") >= maxTunnelWebsockets) return TUNNEL_FULL;
    return this.count >= maxWebsockets ? SERVER_FULL : null;
  }

  /** Counts a WebSocket until the returned function is called; that may be more than once, for a socket has several ends. */
  enter({ address, tunnel }: WebSocketVisit): () => void {
    const leaveVisitor = this.#visitors.enter(networkOf(address));
    const leaveTunnel = this.#tunnels.enter(tunnel ?? "");
    return () => {
      leaveVisitor();
      leaveTunnel();
    };
  }
}

const VISITOR_FULL: VisitRefusal = {
  code: "websockets",
  status: 429,
  reason: "your address has as many WebSockets as it may have at this server. Close some of them",
  fields: [RETRY_SOON],
};

const TUNNEL_FULL: VisitRefusal = {
  code: "websockets",
  status: 503,
  reason: "this tunnel has as many WebSockets as it may have. Try again when others have left",
  fields: [RETRY_SOON],
};

const SERVER_FULL: VisitRefusal = {
  code: "websockets",
  status: 503,
  reason: "this server has as many WebSockets as it may have. Try again when others have left",
  fields: [RETRY_SOON],
};
