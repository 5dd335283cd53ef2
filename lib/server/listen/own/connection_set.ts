import { networkOf } from "../../../net/ip_address.ts";
import { Tally } from "../../../net/tally.ts";
import { CloseCode } from "../../../websocket/close_code.ts";
import type { FramedSocket } from "../../../websocket/framed_socket.ts";
import type { ConnectionBounds } from "../connection_bounds.ts";
import type { HostedConnection } from "./connection_host.ts";

/** Milliseconds between looks at what is waited for too long, at most. */
const LOOK = 1_000;

/** Milliseconds that the peers of all WebSockets have to answer a close frame when the listener is shut. */
const CLOSE_TIMEOUT = 1_000;

/** Milliseconds between looks whether they have. */
const LOOK_AGAIN = 5;

/** Looks within the shortest time that something is waited for. */
const LOOKS = 4;

/** The connections of a listener and the WebSockets that some have become: their number is bounded, and one timer looks at all. */
export class ConnectionSet {
  readonly #bounds: ConnectionBounds;
  readonly #interval: number;
  readonly #connections = new Map<HostedConnection, () => void>();
  readonly #sockets = new Set<FramedSocket>();
  readonly #networks = new Tally<string>();
  /** Connections over which TLS has not come about yet. */
  #pending = 0;
  #looking: ReturnType<typeof setInterval> | undefined;
  #onRoom: () => void = () => {};
  #onEmpty: () => void = () => {};

  constructor(bounds: ConnectionBounds) {
    const { headTimeout, keepaliveTimeout, stallTimeout } = bounds;
    this.#bounds = bounds;
    this.#interval = Math.min(LOOK, Math.min(headTimeout, keepaliveTimeout, stallTimeout) / LOOKS);
  }

  /** Connections that are open, those included over which TLS is yet to come about. */
  get size(): number {
    return this.#connections.size + this.#pending;
  }

  /** Whether an address has as many connections as it may have. */
  isCrowded(address: string): boolean {
    const { mostPerNetwork, isProxy } = this.#bounds;
    return this.#networks.count(networkOf(address)) >= mostPerNetwork && !isProxy(address);
  }

  /** Counts a connection from an address that is not one of a visitor yet, until the returned function is called. */
  expect(address: string): () => void {
    const leave = this.#networks.enter(networkOf(address));
    this.#pending++;
    return () => {
      this.#pending--;
      leave();
      this.#onRoom();
    };
  }

  /** Takes a connection from an address. */
  add(connection: HostedConnection, address: string): void {
    this.#connections.set(connection, this.#networks.enter(networkOf(address)));
    this.#looking ??= setInterval(this.#look, this.#interval);
  }

  /** Forgets one that is closed. */
  delete(connection: HostedConnection): void {
    const leave = this.#connections.get(connection);
    if (leave === undefined) return;
    this.#connections.delete(connection);
    leave();
    this.#onRoom();
    if (this.#connections.size === 0) this.#onEmpty();
    this.#rest();
  }

  /** Forgets a connection that has become a WebSocket's, which is looked at until its end. */
  upgrade(connection: HostedConnection, socket: FramedSocket): void {
    this.#sockets.add(socket);
    socket.addEventListener("close", () => {
      this.#sockets.delete(socket);
      this.#rest();
    });
    this.delete(connection);
  }

  /**
   * Returns what is waited for before another connection is accepted; null where there is room. One more than there may be is
   * served, and an idle one ended for it; where none is idle, the next waits.
   */
  room(): Promise<void> | null {
    if (this.size <= this.#bounds.most || this.#endOne((connection) => connection.isResting)) {
      return null;
    }
    return new Promise((resolve) => this.#onRoom = resolve);
  }

  /** Ends a connection on which nothing is under way, if there is one. */
  makeRoom(): boolean {
    return this.#endOne((connection) => connection.isResting) ||
      this.#endOne((connection) => connection.isIdle);
  }

  /** Ends the first that may be ended. */
  #endOne(mayEnd: (connection: HostedConnection) => boolean): boolean {
    for (const connection of this.#connections.keys()) {
      if (!mayEnd(connection)) continue;
      connection.giveWay();
      return true;
    }
    return false;
  }

  /** Ends all connections that are idle. */
  closeIdle(): void {
    this.#closeAll((connection) => connection.isIdle);
  }

  /** Ends all connections on which no whole request has come. */
  closeUnasked(): void {
    this.#closeAll((connection) => !connection.isBusy);
  }

  #closeAll(isMeant: (connection: HostedConnection) => boolean): void {
    for (const connection of [...this.#connections.keys()]) {
      if (isMeant(connection)) connection.close();
    }
  }

  /** Resolves when no connection is left, but for WebSockets. */
  async empty(): Promise<void> {
    if (this.#connections.size > 0) await new Promise<void>((resolve) => this.#onEmpty = resolve);
  }

  /** Closes all WebSockets, and ends those whose peers do not answer. */
  async closeSockets(): Promise<void> {
    const end = performance.now() + CLOSE_TIMEOUT;
    for (const socket of this.#sockets) socket.close(CloseCode.GoingAway);
    while (this.#sockets.size > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
    for (const socket of [...this.#sockets]) socket.terminate();
  }

  /** Leaves no timer where nothing is looked at. */
  #rest(): void {
    if (this.#connections.size > 0 || this.#sockets.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  readonly #look = (): void => {
    const now = performance.now();
    for (const connection of this.#connections.keys()) connection.look(now);
    for (const socket of this.#sockets) socket.look(now);
  };
}
