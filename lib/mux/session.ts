import { ErrorCode, SessionError, StreamError } from "../wire/errors.ts";
import type { Feature } from "../wire/features.ts";
import { FrameFlag, FrameType, writeUint32 } from "../wire/frame.ts";
import { FrameReceiver, type PeerEvents } from "./frame_receiver.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";
import { Keepalive } from "./keepalive.ts";
import { HeadTimer } from "./pending_head.ts";
import { encodeDisconnect, encodeReset } from "../wire/reasons.ts";
import { Goaway } from "./goaway.ts";
import type { RequestHead } from "../http/head.ts";
import { OpenedStream, type Stream, type StreamHost } from "./stream.ts";
import { ALL_STREAM_IDS, type StreamIds, StreamTable } from "./stream_table.ts";
import type { Transport, TransportEvents } from "./transport.ts";
import { WriteQueue } from "./write_queue.ts";

/** Why a session ends with its last stream id. */
const IDS_SPENT = "every stream id of this connection is used up";

/** What the owner of a session is told and decides. */
export interface SessionEvents extends PeerEvents {
  /** Few stream ids are left for this side to open: called once, for another session to take its place. */
  onIdsLow?(): void;
  /** The session is over; every stream has been told. */
  onClose(error: SessionError): void;
  /** Counts transport bytes; both in bytes. */
  onTraffic(received: number, sent: number): void;
}

export interface SessionOptions {
  readonly heartbeat: Heartbeat;
  /** Milliseconds that a stream waits for its response head. */
  readonly headTimeout: number;
  /** The ids of the streams that this side opens. @default all */
  readonly streamIds?: StreamIds;
}

/** Many streams over one transport, with keepalive and an orderly end. It does not look into heads and bodies. */
export class Session implements TransportEvents, StreamHost, Beating {
  readonly queue: WriteQueue;
  readonly #transport: Transport;
  readonly #events: SessionEvents;
  readonly #heartbeat: Heartbeat;
  readonly #streams: StreamTable;
  readonly #heads: HeadTimer;
  readonly #goaway: Goaway;
  readonly #receiver: FrameReceiver;
  readonly #keepalive: Keepalive;
  #closed = false;
  #hasToldIdsLow = false;

  constructor(transport: Transport, events: SessionEvents, options: SessionOptions) {
    this.#transport = transport;
    this.#events = events;
    this.#heartbeat = options.heartbeat;
    this.#streams = new StreamTable(this, options.streamIds ?? ALL_STREAM_IDS);
    this.#heads = new HeadTimer(options.headTimeout, () => this.#streams.all());
    this.queue = new WriteQueue(transport);
    this.#goaway = new Goaway(this.queue);
    this.#receiver = new FrameReceiver({
      streams: this.#streams,
      goaway: this.#goaway,
      queue: this.queue,
      events,
      onClose: (error) => this.#end(error, false),
    });
    this.#heartbeat.add(this);
    this.#keepalive = new Keepalive(this.#heartbeat.now);
    transport.start(this);
  }

  /** Streams that are open. */
  get load(): number {
    return this.#streams.size;
  }

  /** Whether a new stream may be opened. */
  get usable(): boolean {
    const { full, idsSpent } = this.#streams;
    return this.#receiver.established && !this.#closed && !this.#goaway.draining && !full &&
      !idsSpent;
  }

  /** Whether the peer was asked to go elsewhere; until it is drained, the session can still be used. */
  get leaving(): boolean {
    return this.#goaway.leaving;
  }

  /** Whether few stream ids are left, or none: another session is to take its place. */
  get idsLow(): boolean {
    return this.#streams.idsLow;
  }

  /** Whether streams from before the peer was asked to go elsewhere are open. */
  get finishing(): boolean {
    const { oldest } = this.#streams;
    return oldest !== null && this.#goaway.isFromBefore(oldest);
  }

  /** Whether either side wants no new streams. */
  get draining(): boolean {
    return this.#goaway.draining;
  }

  /** Whether the peer has said farewell, as a client that stops does, while one that crashes or loses its network does not. */
  get hasPeerLeft(): boolean {
    return this.#goaway.hasPeerLeft;
  }

  /** Whether it could be used but for the number of its streams. */
  get full(): boolean {
    return !this.#closed && this.#streams.full;
  }

  /** Whether the peer has been heard from since it was last asked. */
  get answering(): boolean {
    return !this.#keepalive.probing;
  }

  /** What both sides have beyond the frames that every peer has; empty before the session is established. */
  get features(): ReadonlySet<Feature> {
    return this.#receiver.features;
  }

  /** Allows streams, and the frames of the features that both sides have: the registration was accepted. */
  establish(features: readonly Feature[] = []): void {
    this.#receiver.establish(features);
  }

  /** Sends a Notice to a peer that has the feature, and nothing to another. */
  sendNotice(payload: Uint8Array): void {
    if (this.features.has("notices")) this.queue.control(FrameType.Notice, 0, 0, payload);
  }

  /** Sends a frame of the registration. */
  sendRegistration(type: number, payload: Uint8Array): void {
    this.queue.control(type, 0, 0, payload);
  }

  /**
   * Opens a stream with an HTTPRequest or a WSRequest; `end` says that no body follows.
   *
   * @throws {StreamError} `Refused` when the session takes no new streams, else for a head that cannot be sent.
   */
  open(type: number, head: RequestHead, end: boolean): OpenedStream {
    if (!this.usable) {
      throw new StreamError(ErrorCode.Refused, "this session takes no new streams");
    }
    const pending = this.#heads.begin();
    const stream = this.#streams.open(type, end, pending);
    const flags = end ? FrameFlag.EndStream : 0;
    try {
      this.queue.requestHead(type, flags, stream.id, stream.window, head);
    } catch (error) {
      if (error instanceof StreamError) stream.abort(error);
      throw error;
    } finally {
      if (this.#streams.idsLow) this.#spendIds();
    }
    return new OpenedStream(stream, pending);
  }

  /** Has streams that are opened from now on wait so many milliseconds for their heads, where that is less. */
  shortenHeadTimeout(timeout: number): void {
    this.#heads.shorten(timeout);
  }

  /** Asks the peer for a sign of life; until it comes, `answering` is false. */
  probe(): void {
    if (!this.#closed && this.#keepalive.probe(this.#heartbeat.now)) this.#ping();
  }

  /** Asks the peer to go elsewhere (GOAWAY); streams may still be opened, until another session can carry them. */
  goAway(reason: string): void {
    if (!this.#closed) this.#goaway.goAway(reason, this.#streams.lastId);
  }

  /** Tells the peer that no new streams are wanted; resolves when it agrees and all are finished, or the session is over. */
  drain(reason: string): Promise<void> {
    if (!this.#closed) this.#goaway.drain(reason);
    this.#goaway.check(this.#streams.size);
    return this.#goaway.done;
  }

  /** Drains the session and then closes it. */
  async retire(reason: string): Promise<void> {
    await this.drain(reason);
    this.close(ErrorCode.GoingAway, reason);
  }

  /** Ends the session now and tells the peer why. */
  close(code: number, reason: string): void {
    this.#end(new SessionError(code, reason), true);
  }

  // What the transport tells.

  onMessage(message: Uint8Array<ArrayBuffer>): void {
    if (this.#closed) return;
    this.#keepalive.heard(this.#heartbeat.now);
    this.#events.onTraffic(message.length, 0);
    try {
      this.#receiver.receive(message);
    } catch (error) {
      this.#end(asSessionError(error), true);
    }
  }

  onDrain(): void {
    this.queue.flush();
  }

  onClose(reason: string): void {
    this.#end(new SessionError(ErrorCode.GoingAway, reason), false);
  }

  onUnheard(): void {
    if (!this.#closed) this.#ping();
  }

  onSent(bytes: number): void {
    this.#events.onTraffic(0, bytes);
  }

  // What a stream asks for.

  progressed(stream: Stream): void {
    if (stream.head !== null) this.#heads.extend(stream.head);
  }

  finished(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#goaway.check(this.#streams.size);
  }

  sendWindow(stream: Stream, credit: number): void {
    const payload = new Uint8Array(4);
    writeUint32(payload, 0, credit);
    this.queue.control(FrameType.Window, 0, stream.id, payload);
  }

  sendReset(stream: Stream, code: number, reason: string): void {
    this.queue.control(FrameType.Reset, 0, stream.id, encodeReset(code, reason));
  }

  beat(now: number, suspended: boolean): void {
    this.#receiver.beat();
    for (const stream of this.#streams.all()) stream.settle();
    const verdict = this.#keepalive.judge(now, suspended, this.#transport.buffered);
    if (verdict === "ping") this.#ping();
    else if (verdict !== "alive") this.#end(new SessionError(ErrorCode.Silent, verdict.dead), true);
  }

  /** Has another session take the place of this one before the ids end, and ends it with the last. */
  #spendIds(): void {
    if (!this.#hasToldIdsLow) {
      this.#hasToldIdsLow = true;
      this.#events.onIdsLow?.();
    }
    if (this.#streams.idsSpent) void this.retire(IDS_SPENT);
  }

  #ping(): void {
    this.queue.control(FrameType.Ping, 0, 0, crypto.getRandomValues(new Uint8Array(8)));
  }

  #end(error: SessionError, tell: boolean): void {
    if (this.#closed) return;
    if (tell) {
      const { code, message: reason } = error;
      const payload = encodeDisconnect({ code, kind: "close", reason });
      this.queue.control(FrameType.Disconnect, 0, 0, payload);
      this.queue.finish();
    }
    this.#closed = true;
    this.#receiver.stop();
    this.queue.close();
    this.#heartbeat.remove(this);
    this.#transport.close(error.message);
    this.#heads.stop();
    this.#streams.abort(error);
    this.#goaway.finish();
    this.#events.onClose(error);
  }
}

/** Makes the error that ends the session of what a handler threw: the peer's fault, or our own. */
function asSessionError(error: unknown): SessionError {
  if (error instanceof SessionError) return error;
  return new SessionError(ErrorCode.Internal, "an internal error", { cause: error });
}
