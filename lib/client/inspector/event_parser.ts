import { latin1 } from "../../http/octets.ts";
import { MAX_KEPT_MESSAGE } from "./message_log.ts";

/** An event of a stream (HTML standard, section 9.2.6); its texts are octets of UTF-8, one for each character. */
export interface ParsedEvent {
  /** `message` where it names none. */
  readonly event: string;
  readonly eventId: string;
  readonly data: string;
  /** Bytes of its lines. */
  readonly size: number;
  /** Whether all of its data is there. */
  readonly isWhole: boolean;
}

/** Characters of an event's type or id that are kept. */
const MAX_NAME = 256;

const LF = 0x0a;
const CR = 0x0d;

/** Parts the body of an answer of `text/event-stream` into its events, as they come; long lines are cut. */
export class EventParser {
  readonly #onEvent: (event: ParsedEvent) => void;
  #line = "";
  #lineSize = 0;
  /** Whether a CR came last, so that a LF belongs to it. */
  #afterCR = false;
  #isFirstLine = true;
  #event = "";
  #eventId = "";
  #data: string | null = null;
  #size = 0;
  #isWhole = true;

  constructor(onEvent: (event: ParsedEvent) => void) {
    this.#onEvent = onEvent;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    if (this.#afterCR && bytes.length > 0) {
      this.#afterCR = false;
      if (bytes[0] === LF) at = 1;
    }
    // Most streams have no CR at all: it is looked for once, not once for each line.
    let cr = position(bytes, CR, at);
    while (at < bytes.length) {
      if (cr < at) cr = position(bytes, CR, at);
      const end = Math.min(position(bytes, LF, at), cr);
      this.#take(bytes, at, end);
      if (end === bytes.length) return;
      this.#endLine();
      at = end + 1;
      if (end !== cr) continue;
      if (at === bytes.length) this.#afterCR = true;
      else if (bytes[at] === LF) at++;
    }
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#lineSize += end - start;
    const room = MAX_KEPT_MESSAGE - this.#line.length;
    if (room > 0 && end > start) this.#line += latin1(bytes, start, Math.min(end, start + room));
  }

  #endLine(): void {
    const line = this.#isFirstLine ? this.#line.replace(BYTE_ORDER_MARK, "") : this.#line;
    const isWhole = this.#line.length === this.#lineSize;
    this.#size += this.#lineSize + 1;
    const isEmpty = this.#lineSize === 0;
    this.#line = "";
    this.#lineSize = 0;
    this.#isFirstLine = false;
    if (isEmpty) return this.#dispatch();
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.#addData(value, isWhole);
    else if (name === "event") this.#event = value.slice(0, MAX_NAME);
    else if (name === "id" && !value.includes("\0")) this.#eventId = value.slice(0, MAX_NAME);
  }

  #addData(value: string, isWhole: boolean): void {
    // To cut again and again what is full already would copy all of it for each line.
    if (this.#data?.length === MAX_KEPT_MESSAGE) {
      this.#isWhole = false;
      return;
    }
    const data = this.#data === null ? value : `${this.#data}\n${value}`;
    this.#data = data.slice(0, MAX_KEPT_MESSAGE);
    this.#isWhole = this.#isWhole && isWhole && data.length <= MAX_KEPT_MESSAGE;
  }

  #dispatch(): void {
    const data = this.#data;
    if (data !== null) {
      this.#onEvent({
        event: this.#event === "" ? "message" : this.#event,
        eventId: this.#eventId,
        data,
        size: this.#size,
        isWhole: this.#isWhole,
      });
    }
    this.#event = "";
    this.#data = null;
    this.#size = 0;
    this.#isWhole = true;
  }
}

/** The byte order mark in UTF-8, which a stream may begin with. */
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/;

/** Returns where an octet is, or the end. */
function position(bytes: Uint8Array, octet: number, from: number): number {
  const at = bytes.indexOf(octet, from);
  return at === -1 ? bytes.length : at;
}
