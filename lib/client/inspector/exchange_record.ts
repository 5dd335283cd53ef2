import { FieldLines } from "../../http/field_lines.ts";
import type { Field } from "../../http/fields.ts";
import { linesOf, type RequestHead, type ResponseHead } from "../../http/head.ts";
import { ErrorCode } from "../../wire/errors.ts";
import type { Asides } from "./asides.ts";
import type { ExchangeKind, ExchangeState } from "./exchange.ts";
import type { KeptBody } from "./kept_body.ts";
import { keepOctets, keptMemory } from "./kept_octets.ts";
import { MessageLog } from "./message_log.ts";

/** Bytes that a record takes beside its content, by and large. */
const RECORD_OVERHEAD = 512;

/**
 * What is kept of one exchange, as it came: nobody reads most of it.
 *
 * Each request makes one, and a thousand are kept, so it is small. Times are whole microseconds, which V8 keeps within
 * the object.
 */
export class ExchangeRecord {
  kind: ExchangeKind;
  state: ExchangeState = "open";
  reason: string | null = null;
  /** The code of the Reset that ended it, by either side. */
  resetCode: number = ErrorCode.None;
  status: number | null = null;
  readonly method: string;
  readonly target: string;
  /** Milliseconds of `performance.now()`. */
  readonly arrivedAt = clock();
  /** Microseconds from the arrival; negative for what has not come. */
  sentOn = -1;
  firstByte = -1;
  end = -1;
  requestBody: KeptBody | null = null;
  responseBody: KeptBody | null = null;
  messages: MessageLog | null = null;
  /** Another reason phrase than the usual; null for none. */
  reasonPhrase: string | null = null;
  /** Null until there is something of it. */
  asides: Asides | null = null;
  /** Host and visitor, once somebody has asked: to look for them in the fields takes as long as these are. */
  sender: { readonly host: string | null; readonly visitor: string | null } | null = null;
  /** Bytes of memory that it takes. */
  memory: number;
  /** Whether it is in the store; what is not takes nothing more. */
  isKept = true;
  readonly #epoch: Epoch;
  #requestMemory: Uint8Array;
  #requestStart: number;
  #requestEnd: number;
  #responseMemory: Uint8Array | null = null;
  #responseStart = 0;
  #responseEnd = 0;

  constructor(
    readonly id: number,
    head: RequestHead,
    kind: ExchangeKind,
    /** The id of the exchange that it sends again. */
    readonly replayOf: number | null,
    /** The name of its tunnel in the config file; empty for one from the command line. */
    readonly tunnel: string,
  ) {
    this.#epoch = epochAt(this.arrivedAt);
    this.kind = kind;
    this.method = head.method;
    this.target = head.target;
    const { octets } = linesOf(head);
    this.#requestStart = keepOctets(octets);
    this.#requestEnd = this.#requestStart + octets.length;
    this.#requestMemory = keptMemory();
    this.memory = RECORD_OVERHEAD + this.target.length + octets.length;
    if (kind === "websocket") this.messages = new MessageLog();
  }

  get requestFields(): readonly Field[] {
    const octets = this.#requestMemory.subarray(this.#requestStart, this.#requestEnd);
    return new FieldLines(octets, []).list;
  }

  /** Null until the answer begins. */
  get responseFields(): readonly Field[] | null {
    const octets = this.#responseMemory?.subarray(this.#responseStart, this.#responseEnd);
    return octets === undefined ? null : new FieldLines(octets, []).list;
  }

  /** Milliseconds from 1970 to its arrival. */
  get arrivedOn(): number {
    return this.arrivedAt + this.#epoch.start;
  }

  get isOpen(): boolean {
    return this.state === "open";
  }

  /** Whether it may stay open for hours. */
  get isLasting(): boolean {
    return this.kind !== "http" && this.isOpen;
  }

  /** Microseconds since its arrival. */
  now(): number {
    return Math.round((clock() - this.arrivedAt) * 1000);
  }

  /** Takes the head of the answer; returns by how many bytes the memory has grown. */
  respond(head: ResponseHead): number {
    this.status = head.status;
    if (head.reasonPhrase !== undefined) this.reasonPhrase = head.reasonPhrase;
    this.firstByte = this.now();
    const { octets } = linesOf(head);
    this.#responseStart = keepOctets(octets);
    this.#responseEnd = this.#responseStart + octets.length;
    this.#responseMemory = keptMemory();
    return octets.length;
  }

  finish(state: ExchangeState, reason: string | null, resetCode: number = ErrorCode.None): void {
    this.state = state;
    this.reason = reason;
    this.resetCode = resetCode;
    this.end = this.now();
  }

  /** Moves its content into memory of its own, for it outlives its neighbours. */
  leaveShared(): void {
    this.#requestMemory = this.#requestMemory.slice(this.#requestStart, this.#requestEnd);
    this.#requestEnd -= this.#requestStart;
    this.#requestStart = 0;
    if (this.#responseMemory !== null) {
      this.#responseMemory = this.#responseMemory.slice(this.#responseStart, this.#responseEnd);
      this.#responseEnd -= this.#responseStart;
      this.#responseStart = 0;
    }
    this.requestBody?.leaveShared();
    this.responseBody?.leaveShared();
  }

  /** Lets go of its content, which an exchange that is still open would keep alive. */
  drop(): void {
    this.isKept = false;
    // The next exchange has their memory.
    this.requestBody?.drop();
    this.responseBody?.drop();
    // Nothing keeps the rest of one that is over, and most are.
    if (!this.isOpen) return;
    this.#requestMemory = NOTHING;
    this.#responseMemory = NOTHING;
    this.messages = null;
    this.asides = null;
  }
}

let reading = 0;
let readOn = 0;

/**
 * Returns `performance.now()`, read once a millisecond of the wall clock, which is no part of it: Deno's takes so much
 * longer to read than the wall clock that three readings were a third of what it costs to record a small answer.
 */
function clock(): number {
  const on = Date.now();
  if (on !== readOn) {
    readOn = on;
    reading = performance.now();
  }
  return reading;
}

/** When `performance.now()` was zero, in milliseconds since 1970; another time after the machine has slept. */
interface Epoch {
  readonly start: number;
}

/** Milliseconds between two looks at the wall clock, which costs as much as it does to note a body. */
const EPOCH_CHECK = 1000;

/** Milliseconds by which the clocks may differ before it is a new epoch: more than their readings take. */
const SAME_EPOCH = 50;

let epoch: Epoch = { start: performance.timeOrigin };
let checkedAt = -Infinity;

function epochAt(now: number): Epoch {
  if (now - checkedAt < EPOCH_CHECK) return epoch;
  checkedAt = now;
  const start = Date.now() - now;
  if (Math.abs(start - epoch.start) > SAME_EPOCH) epoch = { start };
  return epoch;
}

const NOTHING = new Uint8Array(0);
