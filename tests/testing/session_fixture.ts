import type { SessionError } from "../../lib/wire/errors.ts";
import type { Feature } from "../../lib/wire/features.ts";
import { Heartbeat } from "../../lib/mux/heartbeat.ts";
import { Session, type SessionEvents } from "../../lib/mux/session.ts";
import { ALL_STREAM_IDS, type StreamIds } from "../../lib/mux/stream_table.ts";
import type { Stream } from "../../lib/mux/stream.ts";
import { type WebSocketLike, WebSocketTransport } from "../../lib/websocket/websocket_transport.ts";
import { FramePeer } from "./frame_peer.ts";
import { MemorySocket } from "./memory_socket.ts";

/** The side of a session: the server opens streams, the client accepts them. */
export type Side = "server" | "client";

export interface FixtureOptions {
  /** @default true */
  readonly established?: boolean;
  /** What both sides have. @default none */
  readonly features?: readonly Feature[];
  /** @default all */
  readonly streamIds?: StreamIds;
  /** Milliseconds. @default 30000 */
  readonly headTimeout?: number;
}

/** A session that notes what it was told, and is closed at the end of its scope. */
export class SessionFixture implements SessionEvents, Disposable {
  readonly session: Session;
  /** Streams that the peer opened. */
  readonly streams: Stream[] = [];
  /** What the session ended with, each time that it said so. */
  readonly ends: SessionError[] = [];
  readonly registrations: number[] = [];
  /** Called for each registration frame. */
  whenRegistration: (type: number, payload: Uint8Array) => void = () => {};
  received = 0;
  sent = 0;
  /** Reasons for which the peer asked to go elsewhere. */
  readonly goaways: string[] = [];
  /** How often the session said that its stream ids end. */
  idsLow = 0;
  readonly onStream: ((stream: Stream) => void) | null;
  /** Payloads of the Notices that came. */
  readonly notices: Uint8Array[] = [];
  /** Only a client gets Notices. */
  readonly onNotice?: NonNullable<SessionEvents["onNotice"]>;

  constructor(side: Side, socket: WebSocketLike, options: FixtureOptions = {}) {
    const { established = true, features = [], headTimeout = 30_000 } = options;
    this.onStream = side === "server" ? null : (stream) => this.streams.push(stream);
    if (side === "client") this.onNotice = (payload) => this.notices.push(payload);
    const heartbeat = new Heartbeat();
    this.session = new Session(new WebSocketTransport(socket), this, {
      heartbeat,
      headTimeout,
      streamIds: options.streamIds ?? ALL_STREAM_IDS,
    });
    if (established) this.session.establish(features);
  }

  /** What the session ended with, if it has. */
  get end(): SessionError | undefined {
    return this.ends[0];
  }

  onRegistration(type: number, payload: Uint8Array): void {
    this.registrations.push(type);
    this.whenRegistration(type, payload);
  }

  onGoAway(reason: string): void {
    this.goaways.push(reason);
  }

  onIdsLow(): void {
    this.idsLow++;
  }

  onClose(error: SessionError): void {
    this.ends.push(error);
  }

  onTraffic(received: number, sent: number): void {
    this.received += received;
    this.sent += sent;
  }

  [Symbol.dispose](): void {
    this.session.close(0, "the test is over");
  }
}

/** A session with a peer that speaks frames. */
export class SessionAndPeer extends SessionFixture {
  readonly peer: FramePeer;
  /** The session's end of the connection. */
  readonly socket: MemorySocket;

  constructor(side: Side, options: FixtureOptions = {}) {
    const [near, far] = MemorySocket.pair();
    super(side, near, options);
    this.socket = near;
    this.peer = new FramePeer(far);
  }
}
