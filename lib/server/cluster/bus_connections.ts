import { messageOf } from "../../cli/safe_text.ts";
import type { Bus } from "../bus/bus.ts";
import { isNodeId } from "../bus/bus_limits.ts";
import {
  type BusMessage,
  BusMessageKind,
  decodeBusMessage,
  encodeBusMessage,
  newConnectionId,
} from "./bus_message.ts";
import { BusTransport, type BusWire } from "./bus_transport.ts";

/** Connections over the bus, both ways together: ten for each of a hundred nodes. */
const MAX_CONNECTIONS = 1000;

/** Bytes under way to the bus above which body data waits: a bus refuses more than some megabytes. */
const CLOGGED_ABOVE = 2 * 1024 * 1024;

export interface BusConnectionsOptions {
  readonly bus: Bus;
  /** This node's id. */
  readonly node: string;
  /** Takes a connection that another node opened; returns false when there is no room for it. */
  readonly accept: (transport: BusTransport, from: string) => boolean;
}

/** The connections between this node and others that go over the bus. */
export class BusConnections {
  readonly #options: BusConnectionsOptions;
  readonly #transports = new Map<string, BusTransport>();
  #underWay = 0;

  constructor(options: BusConnectionsOptions) {
    this.#options = options;
  }

  /** Receives what other nodes send to this one. Rejects with a BusError while the bus is away, and still takes effect once it is back. */
  async listen(): Promise<void> {
    const { bus, node } = this.#options;
    await bus.receive(node, (bytes) => {
      const message = decodeBusMessage(bytes);
      // Messages that no node sends are dropped, and so are those of a connection that is over.
      if (message !== undefined) this.#receive(message);
    });
  }

  /** Asks another node for a connection; the transport tells whether it was granted. */
  open(node: string): BusTransport {
    const transport = this.#add(node, newConnectionId());
    if (this.#transports.size > MAX_CONNECTIONS) {
      transport.lost(`there are ${MAX_CONNECTIONS} connections over the bus already`);
    }
    transport.post(BusMessageKind.Open, new TextEncoder().encode(this.#options.node));
    return transport;
  }

  /** Ends all of them, as when the bus has gone: what was under way is lost. */
  lose(reason: string): void {
    for (const transport of [...this.#transports.values()]) transport.lost(reason);
  }

  #receive(message: BusMessage): void {
    const transport = this.#transports.get(message.connection);
    if (transport !== undefined) transport.receive(message);
    else if (message.kind === BusMessageKind.Open) this.#accept(message);
  }

  #accept(message: BusMessage): void {
    const from = new TextDecoder().decode(message.payload);
    if (!isNodeId(from) || from === this.#options.node) return;
    const transport = this.#add(from, message.connection);
    transport.receive(message);
    const hasRoom = this.#transports.size <= MAX_CONNECTIONS;
    if (!hasRoom || !this.#options.accept(transport, from)) {
      transport.close("the node takes no more connections");
      return;
    }
    transport.post(BusMessageKind.Accept, new Uint8Array(0));
  }

  #add(node: string, connection: string): BusTransport {
    const isClogged = (): boolean => this.#underWay > CLOGGED_ABOVE;
    const wire: BusWire = {
      post: (message) => this.#post(node, message),
      forget: (connection) => this.#transports.delete(connection),
      get isClogged() {
        return isClogged();
      },
    };
    const transport = new BusTransport(connection, wire);
    this.#transports.set(connection, transport);
    return transport;
  }

  async #post(node: string, message: BusMessage): Promise<boolean> {
    const bytes = encodeBusMessage(message);
    this.#underWay += bytes.length;
    try {
      return await this.#options.bus.send(node, bytes);
    } catch (cause) {
      throw new Error(`a message could not be sent: ${messageOf(cause)}`, { cause });
    } finally {
      const wasClogged = this.#underWay > CLOGGED_ABOVE;
      this.#underWay -= bytes.length;
      if (wasClogged && this.#underWay <= CLOGGED_ABOVE) this.#unclog();
    }
  }

  #unclog(): void {
    for (const transport of this.#transports.values()) transport.checkDrain();
  }
}
