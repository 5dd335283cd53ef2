import type { SessionError } from "../../wire/errors.ts";
import { ErrorCode } from "../../wire/errors.ts";
import type { Feature } from "../../wire/features.ts";
import { Session, type SessionEvents, type SessionOptions } from "../../mux/session.ts";
import type { Transport } from "../../mux/transport.ts";

/**
 * What a link has beyond the first version. Nodes have no registration in which they could agree on it, so only that
 * is possible which one that does not know it ignores: a frame of its own.
 */
export const NODE_FEATURES: readonly Feature[] = [
  "notices",
  "reason-phrases",
  "trailers",
  "interim",
];

export interface NodeLinkOptions extends SessionOptions {
  /** Whether it goes to the other node without the bus. */
  readonly isDirect: boolean;
  /** The other node stops. */
  readonly onLeaving: () => void;
  /** The other node wants another link in the place of this one. */
  readonly onMoving: () => void;
  readonly onClose: (link: NodeLink, error: SessionError) => void;
}

/** A session in which this node opens streams to tunnels that another one has. */
export class NodeLink implements SessionEvents {
  readonly onStream = null;
  readonly session: Session;
  readonly isDirect: boolean;
  readonly #options: NodeLinkOptions;
  #isMoving = false;
  #isRetiring = false;
  #isOver = false;

  constructor(transport: Transport, options: NodeLinkOptions) {
    this.#options = options;
    this.isDirect = options.isDirect;
    this.session = new Session(transport, this, options);
    this.session.establish(NODE_FEATURES);
  }

  /** Whether the session has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether another link shall take its place; it can be used until there is one. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** Takes no new streams, and ends when those that are open are finished. */
  async retire(): Promise<void> {
    this.#isRetiring = true;
    await this.session.retire("another link has taken its place");
  }

  close(): void {
    this.session.close(ErrorCode.None, "this node no longer needs the link");
  }

  onRegistration(): void {}

  onGoAway(): void {
    // The other side agrees to a drain by one of its own.
    if (this.#isRetiring) return;
    if (!this.session.draining) this.#move();
    else if (!this.#isMoving) this.#options.onLeaving();
  }

  onIdsLow(): void {
    this.#move();
  }

  onClose(error: SessionError): void {
    this.#isOver = true;
    this.#options.onClose(this, error);
  }

  onTraffic(): void {}

  #move(): void {
    this.#isMoving = true;
    this.#options.onMoving();
  }
}
