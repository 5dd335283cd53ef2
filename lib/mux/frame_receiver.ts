import type { RequestHead } from "../http/head.ts";
import { ErrorCode, SessionError, StreamError } from "../wire/errors.ts";
import type { Feature } from "../wire/features.ts";
import { decodeFrames, FrameFlag, frameName, FrameType, uint32At } from "../wire/frame.ts";
import { announcedLength, decodeRequestHead, decodeResponseHead } from "../wire/head.ts";
import { MAX_REGISTRATION_LENGTH, MAX_STREAMS, MAX_TRANSPORT_MESSAGE } from "../wire/limits.ts";
import { decodeDisconnect, encodeReset, resetError } from "../wire/reasons.ts";
import type { Goaway } from "./goaway.ts";
import type { PendingHead } from "./pending_head.ts";
import type { Stream } from "./stream.ts";
import type { StreamTable } from "./stream_table.ts";
import type { WriteQueue } from "./write_queue.ts";

/** Pings between two beats of a second; a peer needs one in ten seconds. */
const MAX_PINGS = 20;

/** What the owner of a session is told of what its peer sends. */
export interface PeerEvents {
  /** A RegistrationChallenge, RegistrationRequest or RegistrationResponse came; never called once the session is established. */
  onRegistration(type: number, payload: Uint8Array): void;
  /** A stream that the peer opened, and its head; null on the side that opens them. */
  onStream: ((stream: Stream, head: RequestHead) => void) | null;
  /** A Notice came; only the side that accepts streams gets one. */
  onNotice?(payload: Uint8Array): void;
  /** The peer asks to go elsewhere, by a GOAWAY or a drain, with the reason that it gives. */
  onGoAway(reason: string): void;
}

/** The parts of a session that a frame may reach. */
export interface FrameTargets {
  readonly streams: StreamTable;
  readonly goaway: Goaway;
  readonly queue: WriteQueue;
  readonly events: PeerEvents;
  /** The peer has closed the session. */
  readonly onClose: (error: SessionError) => void;
}

/** Takes the frames of a session's peer: checks that each may come now, and hands it to the part that it is for. */
export class FrameReceiver {
  readonly #streams: StreamTable;
  readonly #goaway: Goaway;
  readonly #queue: WriteQueue;
  readonly #events: PeerEvents;
  readonly #onClose: (error: SessionError) => void;
  #established = false;
  #features: ReadonlySet<Feature> = new Set();
  #isStopped = false;
  /** The heads of the message that is being taken. */
  #heads: PendingHead[] = [];
  /** Pings since the last beat. */
  #pings = 0;

  constructor({ streams, goaway, queue, events, onClose }: FrameTargets) {
    this.#streams = streams;
    this.#goaway = goaway;
    this.#queue = queue;
    this.#events = events;
    this.#onClose = onClose;
  }

  /** Whether streams are allowed. */
  get established(): boolean {
    return this.#established;
  }

  /** What both sides have beyond the frames that every peer has. */
  get features(): ReadonlySet<Feature> {
    return this.#features;
  }

  /** Takes streams from now on, and no registration. */
  establish(features: readonly Feature[]): void {
    this.#established = true;
    this.#features = new Set(features);
  }

  /** Lets the peer send pings again, once a second. */
  beat(): void {
    this.#pings = 0;
  }

  /** Takes no further frame, nor the rest of a message that is being taken. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Takes a transport message. @throws {SessionError} when the peer breaks the protocol; the session is to end then. */
  receive(message: Uint8Array<ArrayBuffer>): void {
    // A server takes no more from a stranger. To a client, the first streams may come with its registration's answer.
    const isKnown = this.#established || this.#events.onStream !== null;
    const limit = isKnown ? MAX_TRANSPORT_MESSAGE : 2 * MAX_REGISTRATION_LENGTH;
    if (message.length > limit) {
      throw new SessionError(
        ErrorCode.TooLarge,
        `a message of ${message.length} bytes; at most ${limit} are allowed now`,
      );
    }
    try {
      decodeFrames(message, this.#onFrame);
    } finally {
      this.#deliverHeads();
    }
  }

  readonly #onFrame = (
    type: number,
    flags: number,
    id: number,
    payload: Uint8Array<ArrayBuffer>,
  ): void => {
    if (this.#isStopped) return;
    switch (type) {
      case FrameType.Data:
      case FrameType.WSMessage:
      case FrameType.WSTeardown:
        this.#streams.find(type, id)?.receive(type, flags, payload);
        return;
      case FrameType.Window:
        this.#streams.find(type, id)?.receiveWindow(uint32At(payload, 0));
        return;
      case FrameType.HTTPResponse:
      case FrameType.WSResponse:
        this.#onResponse(type, flags, id, payload);
        return;
      case FrameType.Trailers:
        // To a side that has not agreed to its feature, this and what follows is a frame of an unknown type.
        if (this.#features.has("trailers")) this.#streams.find(type, id)?.receiveTrailers(payload);
        return;
      case FrameType.ReasonPhrase:
      case FrameType.Interim: {
        const feature = type === FrameType.Interim ? "interim" : "reason-phrases";
        if (!this.#features.has(feature)) return;
        this.#streams.find(type, id)?.receiveBeforeHead(type, payload);
        return;
      }
      case FrameType.HTTPRequest:
      case FrameType.WSRequest:
        this.#onRequest(type, flags, id, payload);
        return;
      case FrameType.Reset:
        this.#onReset(id, payload);
        return;
      case FrameType.Ping:
        this.#onPing(payload);
        return;
      case FrameType.Pong:
        return;
      case FrameType.Notice:
        this.#onNotice(payload);
        return;
      case FrameType.Disconnect:
        this.#onDisconnect(payload);
        return;
      default:
        if (this.#established) throw unexpected(type, "after the registration");
        this.#events.onRegistration(type, payload);
    }
  };

  #onRequest(type: number, flags: number, id: number, payload: Uint8Array): void {
    const accept = this.#events.onStream;
    if (accept === null) throw unexpected(type, "from the side that accepts streams");
    if (!this.#established) throw unexpected(type, "before the registration");
    this.#streams.claim(id);
    if (this.#streams.full) {
      const reset = encodeReset(ErrorCode.Refused, `${MAX_STREAMS} streams are open already`);
      this.#queue.control(FrameType.Reset, 0, id, reset);
      return;
    }
    const ended = (flags & FrameFlag.EndStream) !== 0;
    const stream = this.#streams.accept(id, type, uint32At(payload, 0), ended);
    try {
      const head = decodeRequestHead(payload.subarray(4));
      const length = type === FrameType.HTTPRequest ? announcedLength(head) : null;
      if (length !== null) stream.expect(length);
      accept(stream, head);
    } catch (error) {
      const { code, message } = asStreamError(error);
      stream.reset(code, message);
    }
  }

  #onResponse(type: number, flags: number, id: number, payload: Uint8Array): void {
    const stream = this.#streams.find(type, id);
    if (stream === undefined) return;
    if (type !== stream.type + 1) throw unexpected(type, `on stream ${id}`);
    stream.receiveHead((flags & FrameFlag.EndStream) !== 0);
    try {
      const head = decodeResponseHead(payload);
      if (stream.head === null) return;
      stream.head.resolve(head);
      this.#heads.push(stream.head);
    } catch (error) {
      const failure = asStreamError(error);
      // A stream that has ended with this very head cannot be reset.
      stream.head?.reject(failure);
      stream.reset(failure.code, failure.message);
    }
  }

  /** Gives heads to those that wait for them: now all that came with a head is here, which may be a whole answer. */
  #deliverHeads(): void {
    if (this.#heads.length === 0) return;
    const heads = this.#heads;
    this.#heads = [];
    for (const head of heads) head.deliver();
  }

  #onReset(id: number, payload: Uint8Array): void {
    const stream = this.#streams.find(FrameType.Reset, id);
    if (stream === undefined) return;
    stream.abort(resetError(payload));
  }

  #onPing(payload: Uint8Array): void {
    if (++this.#pings > MAX_PINGS) {
      throw new SessionError(ErrorCode.Protocol, `more than ${MAX_PINGS} pings in a second`);
    }
    this.#queue.control(FrameType.Pong, 0, 0, payload);
  }

  #onNotice(payload: Uint8Array): void {
    // To a side that has not agreed to the feature it is a frame of an unknown type.
    if (!this.#features.has("notices")) return;
    if (this.#events.onNotice === undefined) throw unexpected(FrameType.Notice, "from a client");
    this.#events.onNotice(payload);
  }

  #onDisconnect(payload: Uint8Array): void {
    const { code, kind, reason } = decodeDisconnect(payload);
    if (kind === "close") {
      if (code === ErrorCode.GoingAway) this.#goaway.peerLeaves();
      this.#onClose(new SessionError(code, reason));
      return;
    }
    if (kind === "drain") this.#goaway.peerDrains();
    this.#events.onGoAway(reason);
    if (kind === "drain") this.#goaway.check(this.#streams.size);
  }
}

function unexpected(type: number, where: string): SessionError {
  return new SessionError(ErrorCode.Protocol, `an unexpected ${frameName(type)} ${where}`);
}

/** Passes on what is wrong with one stream alone, and throws anything else. */
function asStreamError(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  throw error;
}
