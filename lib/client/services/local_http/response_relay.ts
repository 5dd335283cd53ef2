import type { ResponseFraming } from "../../../http/body_decoder.ts";
import { CONNECTION_FIELDS } from "../../../http/connection_field.ts";
import { COLON, CR, HTAB, LF, OCTETS, SP, TEXT, TOKEN } from "../../../http/octets.ts";
import { MAX_RESPONSE_FIELDS } from "../../../http/response_parser.ts";
import {
  BACKSLASH,
  CLOSING,
  COMMA,
  END,
  OPENING,
  QUOTE,
  RESPONSE_FIELDS,
  RESPONSE_START,
} from "../../../wire/head_spelling.ts";
import { slabRoom, takeFromSlab } from "../../../wire/slab.ts";
import { NameTable } from "./name_table.ts";
import { spells } from "../../../wire/spells.ts";

/** A final response head as it is sent on, and what it says of its connection. */
export interface RelayedHead {
  /** The JSON of an HTTPResponse, taken from a slab. */
  readonly payload: Uint8Array;
  readonly framing: ResponseFraming;
  /** Tells whether the origin keeps the connection open (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** The offset of the first byte behind the head. */
  readonly end: number;
}

/** Bounds the heads that are relayed, in bytes: larger ones are rare, and these come to 9,280 bytes at most, a seventh of a slab. */
export const MAX_RELAYED_HEAD = 4 * 1024;

/**
 * Bounds what an octet comes to: a line of a name of n octets and a value of v has n + v + 3 or more, and becomes
 * n + 2v + 8 when each octet of the value is escaped; that is most for `x:`, 4 octets of which become 9.
 */
const BYTES_PER_OCTET = 2.25;
/** Bounds what stands around the fields, which is 26 bytes, and around one that is cut. */
const BYTES_PER_HEAD = 64;

const PROTOCOL = "HTTP/1.1 ";
const STATUS_LINE_LENGTH = PROTOCOL.length + 3;
/** The shortest head: a status line without a reason, its end, and an empty line. */
const MIN_HEAD = STATUS_LINE_LENGTH + 4;
const START = new TextEncoder().encode(`${RESPONSE_START}200${RESPONSE_FIELDS}`);
const DIGIT_0 = 0x30;
/** Digits of which every number is a safe integer. */
const MAX_LENGTH_DIGITS = 15;
/** Stands for a number that is not written as one. */
const NO_NUMBER = -1;

/** What a head cannot be passed on without looking at; an ordinary Connection would name the last. */
const DECISIVE = new NameTable([...CONNECTION_FIELDS, "close"]);

/** Octets of a name in lower case, and 0 for those that no name has. */
const NAME: Uint8Array = nameOctets();

/**
 * Writes the head that begins at `start` as it is sent through the tunnel, straight from its bytes: heads of the usual
 * make need neither strings nor fields, which take several times as long.
 *
 * It must not take what {@linkcode ResponseHeadParser} refuses, nor read it differently (RFC 9112 section 11). A
 * parser that has begun with a head has to go on with it.
 *
 * @returns undefined for a head that is not complete, or made otherwise, right or wrong: that is for the parser to say.
 */
export function relayResponseHead(
  buffer: Uint8Array,
  start: number,
  end: number,
  method: string,
): RelayedHead | undefined {
  const limit = Math.min(end, start + MAX_RELAYED_HEAD);
  if (limit - start < MIN_HEAD) return undefined;
  const status = statusOf(buffer, start);
  if (status === NO_NUMBER) return undefined;
  const out = slabRoom((limit - start) * BYTES_PER_OCTET + BYTES_PER_HEAD);
  if (out === null) return undefined;
  relay.begin(buffer, start, limit, out);
  if (!relay.skipReason() || !relay.copyFields()) return undefined;
  const isEmpty = status === 204 || status === 304;
  // Its length is not to be sent on (RFC 9110 section 8.6), which the parser sees to.
  if (status === 204 && typeof relay.framing === "number") return undefined;
  return {
    payload: takeFromSlab(relay.written),
    framing: method === "HEAD" || isEmpty ? 0 : relay.framing,
    keepAlive: relay.connection !== "close",
    end: relay.read,
  };
}

/**
 * One head on its way; whatever returns false leaves it to the parser.
 *
 * Old bytes may lie behind `limit`: no loop goes on there, and a head that ends there is not taken.
 */
class Relay {
  framing: ResponseFraming = "close";
  /** What Connection says; empty where there is none. */
  connection = "";
  /** The offset of the next octet. */
  read = 0;
  /** Bytes written. */
  written = 0;
  #head: Uint8Array = new Uint8Array(0);
  #limit = 0;
  #out: Uint8Array = new Uint8Array(0);

  /** Takes what stands before the reason. */
  begin(head: Uint8Array, start: number, limit: number, out: Uint8Array): void {
    this.framing = "close";
    this.connection = "";
    this.read = start + STATUS_LINE_LENGTH;
    this.written = putStart(head, start, out);
    this.#head = head;
    this.#limit = limit;
    this.#out = out;
  }

  /** Passes over the reason, which nobody needs, to the first field line. */
  skipReason(): boolean {
    const head = this.#head;
    let at = this.read;
    if (head[at] !== SP && head[at] !== CR) return false;
    while (at < this.#limit && ((OCTETS[head[at] ?? 0] ?? 0) & TEXT) !== 0) at++;
    this.read = at;
    return this.#skipLineEnd();
  }

  /** Copies the field lines and what ends the list, to the end of the head. */
  copyFields(): boolean {
    for (let count = 0; this.#head[this.read] !== CR; count++) {
      if (count === MAX_RESPONSE_FIELDS || !this.#copyField()) return false;
    }
    if (!this.#skipLineEnd() || this.read > this.#limit) return false;
    const out = this.#out;
    if (out[this.written - 1] === COMMA) this.written--;
    out[this.written++] = CLOSING;
    out[this.written++] = END;
    return true;
  }

  #copyField(): boolean {
    const head = this.#head;
    const limit = this.#limit;
    const out = this.#out;
    let at = this.read;
    let to = this.written;
    out[to++] = OPENING;
    out[to++] = QUOTE;
    const name = to;
    for (; at < limit; at++) {
      const octet = NAME[head[at] ?? 0] ?? 0;
      if (octet === 0) break;
      out[to++] = octet;
    }
    const nameEnd = to;
    if (nameEnd === name || head[at++] !== COLON) return false;
    out[to++] = QUOTE;
    out[to++] = COMMA;
    out[to++] = QUOTE;
    const value = to;
    while (at < limit && (head[at] === SP || head[at] === HTAB)) at++;
    for (; at < limit; at++) {
      const octet = head[at] ?? 0;
      if (octet < 0x20 || octet > 0x7e) break;
      if (octet === QUOTE || octet === BACKSLASH) out[to++] = BACKSLASH;
      out[to++] = octet;
    }
    if (head[at] !== CR || head[at + 1] !== LF) return false;
    this.read = at + 2;
    // The quote in front of the value ends this too.
    while (out[to - 1] === SP) to--;

    const decisive = DECISIVE.find(out, name, nameEnd);
    if (decisive !== "" && !this.#take(decisive, value, to)) return false;
    // What is only about this connection is written over by what follows.
    if (decisive !== "" && decisive !== "content-length") return true;
    out[to++] = QUOTE;
    out[to++] = CLOSING;
    out[to++] = COMMA;
    this.written = to;
    return true;
  }

  #skipLineEnd(): boolean {
    const isEnd = this.#head[this.read] === CR && this.#head[this.read + 1] === LF;
    this.read += 2;
    return isEnd;
  }

  /** Takes in what a decisive field says of the connection and the body; of these only a length is sent on. */
  #take(name: string, value: number, valueEnd: number): boolean {
    const out = this.#out;
    switch (name) {
      case "close": // an ordinary Connection could name it, before or behind
        return false;
      case "content-length":
        if (this.framing !== "close") return false;
        this.framing = numberOf(out, value, valueEnd);
        return this.framing !== NO_NUMBER;
      case "transfer-encoding":
        if (this.framing !== "close" || !spells(out, value, valueEnd, "chunked")) return false;
        this.framing = "chunked";
        return true;
      case "connection":
        if (this.connection !== "") return false;
        this.connection = connectionOption(out, value, valueEnd);
        return this.connection !== "";
      default:
        return true;
    }
  }
}

/** The only one, since V8 throws away what it has compiled for a shape with the last object that has it. */
const relay = new Relay();

/** Returns the status that HTTP/1.1 gives, from 200 to 599. */
function statusOf(buffer: Uint8Array, start: number): number {
  if (!spells(buffer, start, start + PROTOCOL.length, PROTOCOL)) return NO_NUMBER;
  const status = numberOf(buffer, start + PROTOCOL.length, start + STATUS_LINE_LENGTH);
  return status >= 200 && status <= 599 ? status : NO_NUMBER;
}

/** Returns the number that the octets spell as `String` does: leading zeros would be written differently. */
function numberOf(octets: Uint8Array, from: number, to: number): number {
  if (to === from || to - from > MAX_LENGTH_DIGITS) return NO_NUMBER;
  if (octets[from] === DIGIT_0 && to - from > 1) return NO_NUMBER;
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = (octets[i] ?? 0) - DIGIT_0;
    if (digit < 0 || digit > 9) return NO_NUMBER;
    number = number * 10 + digit;
  }
  return number;
}

/** Returns what Connection says when it says one thing, in the usual spelling. */
function connectionOption(out: Uint8Array, from: number, to: number): string {
  if (spells(out, from, to, "keep-alive") || spells(out, from, to, "Keep-Alive")) {
    return "keep-alive";
  }
  return spells(out, from, to, "close") || spells(out, from, to, "Close") ? "close" : "";
}

/** Writes what stands in front of the fields, with the digits of the status as they came. */
function putStart(buffer: Uint8Array, start: number, out: Uint8Array): number {
  for (let i = 0; i < START.length; i++) out[i] = START[i] ?? 0;
  for (let i = 0; i < 3; i++) {
    out[RESPONSE_START.length + i] = buffer[start + PROTOCOL.length + i] ?? 0;
  }
  return START.length;
}

function nameOctets(): Uint8Array {
  return OCTETS.map((bits, octet) => {
    if ((bits & TOKEN) === 0) return 0;
    return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
  });
}
