import { messageOf } from "../../cli/safe_text.ts";
import { MAX_TRANSPORT_MESSAGE, SOCKET_HIGH_WATER } from "../../wire/limits.ts";
import { endOfTurn, type Transport, type TransportEvents } from "../../mux/transport.ts";
import { type BusMessage, BusMessageKind } from "./bus_message.ts";

/** Bytes of one message on the bus: Redis copies each as a whole, and a large one holds up all others. */
const PART_LENGTH = 256 * 1024;

/** Bytes taken after which the sender is told at once: a quarter of what it may have under way. */
const TELL_AFTER = SOCKET_HIGH_WATER / 4;

/** Milliseconds after which it is told of fewer, unless a message of this side has told it before. */
const TELL_DELAY = 200;

/**
 * Milliseconds of silence after which a message without content is sent: the answer of the bus tells that the other
 * node is gone, and the number that something before was lost. A session's own pings are five times as rare.
 */
const SPEAK_AFTER = 2_000;

/** Parts of one message that are kept until the last: a node sends four, and one that sends crumbs must not fill the memory with them. */
const MAX_PARTS = 64;

const MODULUS = 0x1_0000_0000;

/** What a transport needs of what all of them share. */
export interface BusWire {
  /** Sends a message and returns whether a node received it; rejects when it could not be sent. */
  post(message: BusMessage): Promise<boolean>;
  /** Whether so much is under way to the bus that body data had better wait. */
  readonly isClogged: boolean;
  /** The connection is over. */
  forget(connection: string): void;
}

/**
 * The transport between two nodes that cannot reach each other, over messages of the bus.
 *
 * The bus may lose a message without a word, so messages are numbered, and a gap ends the transport. It does not say
 * how much the other side has read, so each message tells how much its sender has consumed. Bytes that were sent and
 * are not consumed yet count as unsent.
 */
export class BusTransport implements Transport {
  readonly connection: string;
  /** Resolves when the other node has granted the connection; rejects when it ends before. */
  readonly granted: Promise<void>;
  readonly #wire: BusWire;
  readonly #grant = Promise.withResolvers<void>();
  #events: TransportEvents | null = null;
  #isOpen = true;
  #wantsDrain = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #ticker: ReturnType<typeof setInterval>;
  #hasSpoken = false;
  /** Messages sent, and received. */
  #nextOut: number;
  #nextIn: number;
  /** Bytes sent, and how many of them the other side says it has consumed. */
  #sent = 0;
  #taken = 0;
  /** Bytes consumed, and how many of them the other side knows of. */
  #consumed = 0;
  #told = 0;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #partsLength = 0;

  /** Counts the messages of both sides from `first`, which is 0 but for a test of what comes after the last number. */
  constructor(connection: string, wire: BusWire, first = 0) {
    this.connection = connection;
    this.#wire = wire;
    this.#nextOut = this.#nextIn = first;
    this.granted = this.#grant.promise;
    // The side that accepts a connection does not wait for the grant.
    this.granted.catch(() => {});
    this.#ticker = setInterval(() => {
      if (!this.#hasSpoken) this.post(BusMessageKind.Consumed, NOTHING);
      this.#hasSpoken = false;
    }, SPEAK_AFTER);
  }

  start(events: TransportEvents): void {
    this.#events = events;
  }

  get buffered(): number {
    return this.#isOpen ? difference(this.#sent, this.#taken) : 0;
  }

  get writable(): boolean {
    return this.buffered < SOCKET_HIGH_WATER && !this.#wire.isClogged;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    for (let start = 0; start < message.length; start += PART_LENGTH) {
      const part = message.subarray(start, start + PART_LENGTH);
      const isLast = start + PART_LENGTH >= message.length;
      this.#sent = (this.#sent + part.length) % MODULUS;
      this.post(isLast ? BusMessageKind.Data : BusMessageKind.Part, part);
    }
    if (this.#isOpen) this.#events?.onSent(message.length);
  }

  soon(task: () => void): void {
    endOfTurn(task);
  }

  notifyDrain(): void {
    this.#wantsDrain = true;
    endOfTurn(this.checkDrain);
  }

  close(reason: string): void {
    this.post(BusMessageKind.Close, new TextEncoder().encode(reason));
    this.lost(reason);
  }

  /** Sends a message of this connection, with what was consumed. */
  post(kind: BusMessageKind, payload: Uint8Array<ArrayBuffer>): void {
    if (!this.#isOpen) return;
    const sequence = this.#nextOut;
    this.#nextOut = (this.#nextOut + 1) % MODULUS;
    this.#told = this.#consumed;
    this.#hasSpoken = true;
    const message = { kind, connection: this.connection, sequence, consumed: this.#told, payload };
    this.#wire.post(message).then(
      (isReceived) => isReceived || this.lost("the other node is no longer on the bus"),
      (error) => this.lost(messageOf(error)),
    );
  }

  /** Takes a message of this connection from the bus. */
  receive({ kind, sequence, consumed, payload }: BusMessage): void {
    if (!this.#isOpen) return;
    if (sequence !== this.#nextIn) return this.close("the bus has lost messages");
    this.#nextIn = (this.#nextIn + 1) % MODULUS;
    if (difference(consumed, this.#taken) > this.buffered) {
      return this.close("more was consumed than was sent");
    }
    this.#taken = consumed;
    this.checkDrain();
    if (kind === BusMessageKind.Accept) this.#grant.resolve();
    else if (kind === BusMessageKind.Close) this.lost(new TextDecoder().decode(payload));
    else if (kind === BusMessageKind.Data || kind === BusMessageKind.Part) {
      this.#take(payload, kind === BusMessageKind.Data);
    }
  }

  /** Ends it on this side alone, when the other node cannot be told. */
  lost(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#parts = [];
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    this.#wire.forget(this.connection);
    this.#grant.reject(new Error(reason));
    this.#events?.onClose(reason);
  }

  /** Tells when there is room again. */
  readonly checkDrain = (): void => {
    if (!this.#wantsDrain || !this.#isOpen || !this.writable) return;
    this.#wantsDrain = false;
    this.#events?.onDrain();
  };

  #take(payload: Uint8Array<ArrayBuffer>, isLast: boolean): void {
    this.#partsLength += payload.length;
    const isTooLong = this.#partsLength > MAX_TRANSPORT_MESSAGE || this.#parts.length >= MAX_PARTS;
    if (isTooLong) return this.close("a message is too long");
    this.#consumed = (this.#consumed + payload.length) % MODULUS;
    this.#parts.push(payload);
    if (isLast) {
      const message = joined(this.#parts, this.#partsLength);
      this.#parts = [];
      this.#partsLength = 0;
      this.#events?.onMessage(message);
    }
    this.#tell();
  }

  #tell(): void {
    if (!this.#isOpen) return;
    if (difference(this.#consumed, this.#told) >= TELL_AFTER) this.#tellNow();
    else this.#timer ??= setTimeout(this.#tellNow, TELL_DELAY);
  }

  readonly #tellNow = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#consumed !== this.#told) this.post(BusMessageKind.Consumed, NOTHING);
  };
}

const NOTHING = new Uint8Array(0);

function difference(later: number, earlier: number): number {
  return (later - earlier + MODULUS) % MODULUS;
}

function joined(
  parts: readonly Uint8Array<ArrayBuffer>[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
