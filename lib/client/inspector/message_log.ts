import { latin1 } from "../../http/octets.ts";

/** Messages of one exchange that are kept: the latest. */
const MAX_MESSAGES = 1000;

/** Bytes of one message that are kept, from its start. */
export const MAX_KEPT_MESSAGE = 16 * 1024;

/** Bytes that the messages of one exchange may take together. */
const MAX_MESSAGES_MEMORY = 1024 * 1024;

/** Bytes that a message takes beside its content, by and large. */
const MESSAGE_OVERHEAD = 128;

/** Messages that are gone and still stand in the list, after which it is cut. */
const COMPACT_AFTER = 1000;

/** A message as it is kept: its content in octets, one for each character, for small arrays cost more than texts. */
export interface KeptMessage {
  /** Milliseconds from the arrival of the exchange. */
  readonly at: number;
  readonly from: "visitor" | "service";
  readonly kind: "text" | "binary" | "close" | "event";
  /** Bytes of all of it. */
  readonly size: number;
  readonly isWhole: boolean;
  readonly octets: string;
  /** The code of a close, else 0. */
  readonly code: number;
  /** Of an event: its type and the last id of the stream. */
  readonly event: string;
  readonly eventId: string;
}

/** The latest messages of a WebSocket, or the latest events of a stream. */
export class MessageLog {
  /** Messages that came, by their sender; the close of a WebSocket is none. */
  fromVisitor = 0;
  fromService = 0;
  /** How many there were with the closes, which is the index of the next one. */
  total = 0;
  #list: KeptMessage[] = [];
  /** Where the list begins that is not gone. */
  #start = 0;
  #memory = 0;

  /** The index of the oldest that is kept. */
  get first(): number {
    return this.total - (this.#list.length - this.#start);
  }

  /** Returns the message with that index. */
  at(index: number): KeptMessage | undefined {
    return index < this.first ? undefined : this.#list[this.#start + index - this.first];
  }

  /** Adds a message and lets the oldest go; returns by how many bytes the memory has grown, which may be less than none. */
  add(message: KeptMessage): number {
    const before = this.#memory;
    this.total++;
    if (message.kind !== "close") {
      if (message.from === "visitor") this.fromVisitor++;
      else this.fromService++;
    }
    this.#list.push(message);
    this.#memory += memoryOf(message);
    while (this.#list.length - this.#start > MAX_MESSAGES || this.#memory > MAX_MESSAGES_MEMORY) {
      const oldest = this.#list[this.#start++];
      if (oldest !== undefined) this.#memory -= memoryOf(oldest);
    }
    if (this.#start >= COMPACT_AFTER) {
      this.#list.splice(0, this.#start);
      this.#start = 0;
    }
    return this.#memory - before;
  }
}

function memoryOf({ octets, event, eventId }: KeptMessage): number {
  return MESSAGE_OVERHEAD + octets.length + event.length + eventId.length;
}

/** Puts the parts of a message together, as far as it is kept. */
export class MessageParts {
  /** Bytes of the parts that came. */
  size = 0;
  octets = "";

  add(part: Uint8Array): void {
    const room = MAX_KEPT_MESSAGE - this.octets.length;
    if (room > 0) this.octets += latin1(part, 0, Math.min(room, part.length));
    this.size += part.length;
  }

  get isWhole(): boolean {
    return this.size === this.octets.length;
  }
}
