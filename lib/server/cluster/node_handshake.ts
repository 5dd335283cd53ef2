import { encodeBase64Url } from "@std/encoding/base64url";
import { MAX_TRANSPORT_MESSAGE } from "../../wire/limits.ts";
import type { Transport } from "../../mux/transport.ts";
import { type DialledWebSocket, dialWebSocket } from "../../websocket/dial.ts";
import { DialError } from "../../websocket/dial_error.ts";
import { WebSocketTransport } from "../../websocket/websocket_transport.ts";
import type { Bus } from "../bus/bus.ts";
import { fieldValue } from "../../http/fields.ts";
import { type Answer, SWITCHING_PROTOCOLS, type Visit } from "../listen/visit.ts";
import { checkUpgrade } from "../proxy/upgrade.ts";

/** Where nodes connect to each other, below a node's own URL. */
const NODE_PATH = "/proxy/node";

/** The subprotocol between nodes: frames as between server and client, without a registration. */
const NODE_SUBPROTOCOL = "tunnel-node.v1";

/** Milliseconds to connect: more than two busy machines need for TLS, and after that the way over the bus is quicker. */
const DIAL_TIMEOUT = 5_000;

/** Dials until one reaches the new socket: of two sockets that share a port, each gets every second dial, so that one in a million fails. */
const MAX_DIALS = 20;

/** The status that a replaced socket answers to a node. */
const REPLACED = 503;

/** Milliseconds that a ticket is valid: the dial, and clocks that differ a little. */
const TICKET_LIFETIME = 10_000;

/** Tickets looked up at once: strangers who invent tickets must not keep the bus busy. */
const MAX_LOOKUPS = 100;

/** A ticket is 32 bytes in base64url. */
const TICKET_LENGTH = 32;
const BEARER = /^Bearer ([A-Za-z0-9_-]{43})$/;

/** Who asks whom for a connection. */
export interface NodePair {
  readonly from: string;
  readonly to: string;
}

/**
 * Connects to another node directly. One side puts a ticket on the bus and the other takes it, which proves that both
 * are nodes: only nodes reach the bus.
 *
 * @throws {BusError | SessionError} when it cannot connect within seconds.
 */
export async function dialNode(
  url: string,
  options: NodePair & { readonly bus: Bus; readonly signal: AbortSignal },
): Promise<DialledWebSocket> {
  for (let dials = 1;; dials++) {
    try {
      return await dialOnce(url, options);
    } catch (error) {
      const failure = error instanceof DialError ? error.failure : null;
      const isReplaced = failure?.kind === "status" && failure.status === REPLACED;
      if (!isReplaced || dials === MAX_DIALS) throw error;
    }
  }
}

async function dialOnce(
  url: string,
  { bus, from, to, signal }: NodePair & { readonly bus: Bus; readonly signal: AbortSignal },
): Promise<DialledWebSocket> {
  const ticket = encodeBase64Url(crypto.getRandomValues(new Uint8Array(TICKET_LENGTH)));
  await bus.putTicket(ticket, `${from} ${to}`, TICKET_LIFETIME);
  return await dialWebSocket(new URL(NODE_PATH, url), {
    protocol: NODE_SUBPROTOCOL,
    fields: [["authorization", `Bearer ${ticket}`]],
    timeout: DIAL_TIMEOUT,
    signal,
  });
}

/** Lets other nodes in, on any listener. */
export class NodeDoor {
  readonly #bus: Bus;
  readonly #node: string;
  readonly #host: string | null;
  #lookups = 0;

  /** Makes the door of a node that the others reach at `url`; null shuts it. */
  constructor(options: { readonly bus: Bus; readonly node: string; readonly url: string | null }) {
    this.#bus = options.bus;
    this.#node = options.node;
    this.#host = options.url === null ? null : new URL(options.url).host;
  }

  /** Whether a visit is what other nodes send: its target and its Host decide that. */
  isFor({ target, host }: Pick<Visit, "target" | "host">): boolean {
    return this.#host !== null && target === NODE_PATH && host?.toLowerCase() === this.#host;
  }

  /**
   * Upgrades a visit whose ticket is good and hands its transport over; returns null for any other visit. A socket
   * that was replaced asks the node to dial again.
   */
  async accept(
    visit: Visit,
    onOpen: (transport: Transport, from: string) => void,
  ): Promise<Answer | null> {
    const upgrade = checkUpgrade(visit);
    if (upgrade.kind !== "websocket" || !upgrade.protocols.includes(NODE_SUBPROTOCOL)) return null;
    const from = await this.#redeem(fieldValue(visit.fields, "authorization") ?? "");
    if (from === null) return null;
    if (visit.listeningSocket.isRetired) {
      return { code: "moved", status: REPLACED, fields: [], body: null };
    }
    const socket = visit.accept({
      protocol: NODE_SUBPROTOCOL,
      // The session's own pings find a dead node.
      idleTimeout: 0,
      onOpen: () => onOpen(new WebSocketTransport(socket), from),
    });
    socket.limit?.(MAX_TRANSPORT_MESSAGE);
    return SWITCHING_PROTOCOLS;
  }

  /** Takes a ticket and returns the node that made it; null unless it is a ticket to this node. */
  async #redeem(authorization: string): Promise<string | null> {
    const ticket = BEARER.exec(authorization)?.[1];
    if (ticket === undefined || this.#lookups >= MAX_LOOKUPS) return null;
    this.#lookups++;
    try {
      const [from = "", to] = (await this.#bus.takeTicket(ticket) ?? "").split(" ");
      return to === this.#node ? from : null;
    } catch {
      return null;
    } finally {
      this.#lookups--;
    }
  }
}
